"""The pre-shared key of a component, where the environment says it stands; no message here repeats it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pkid.errors import StateError

__all__ = ["find_psk"]

_LARGEST = 4096  # bytes
_REMEDY = "give the pre-shared key of the core"


def find_psk(environ: Mapping[str, str]) -> str:
    """Return the key in ``PKID_PSK``, in the file ``PKID_PSK_FILE``, or in the systemd credential ``psk``.

    :raises StateError: when there is none, or it cannot be used.
    """
    given, file = environ.get("PKID_PSK"), environ.get("PKID_PSK_FILE")
    if given and file:
        raise StateError("PKID_PSK", "and PKID_PSK_FILE exclude each other", "give one")
    if given:
        return _check("PKID_PSK", given)
    if file:
        return _read(Path(file))
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if directory and Path(directory, "psk").exists():
        return _read(Path(directory, "psk"))
    raise StateError("PKID_PSK", "is not set, and neither is PKID_PSK_FILE", _REMEDY)


def _read(path: Path) -> str:
    try:
        # Without O_NONBLOCK, a pipe in the file's place would be waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            content = file.read(_LARGEST + 2)
    except OSError as error:
        raise StateError(path, f"cannot be read ({error.strerror})", _REMEDY) from None
    return _check(str(path), content.decode(errors="surrogateescape").removesuffix("\n").removesuffix("\r"))


def _check(source: str, secret: str) -> str:
    if not secret or not secret.isprintable() or len(secret.encode(errors="replace")) > _LARGEST:
        raise StateError(source, "does not hold a pre-shared key: that is one line of printable UTF-8 text", _REMEDY)
    return secret
