"""What a component proves its name with, where it is kept in files: a private key, or a password.

The places are the seeds': ``$REMBUS_DIR/keys/NAME`` and ``$REMBUS_DIR/NAME/.secret``, with ``~/.config/rembus`` for the
directory that is not set. What a file is, its content alone says; a public key is never taken for a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pkid.auth.own_credential import OwnKey, OwnPassword
from pkid.ca.keys import check_key
from pkid.ca.names import is_component
from pkid.ca.pem import read_key
from pkid.errors import Reason, Refused, StateError, Unusable, about
from pkid.files import read_private

__all__ = ["find_credential", "read_credential"]

_PEM = b"-----BEGIN "


def find_credential(
    component: str, environ: Mapping[str, str], passphrase: str | None = None
) -> OwnKey | OwnPassword | None:
    """Return the credential of a component, where the seeds' components have theirs; blocks.

    :param passphrase: of the private key, if that is encrypted.
    :return: ``None`` when there is no such file.
    :raises Refused: ``bad-name`` when that is no component's name; no path is made of it then.
    :raises StateError: when the file cannot be used, or others can read it.
    """
    if not is_component(component):
        raise Refused(Reason.BAD_NAME, ascii(component[:140]))
    home = environ.get("REMBUS_DIR") or Path(environ.get("HOME", ""), ".config", "rembus")
    for path in (Path(home, "keys", component), Path(home, component, ".secret")):
        content = read_private(path)
        if content is not None:
            return _read(path, content, passphrase)
    return None


def read_credential(path: Path, passphrase: str | None = None) -> OwnKey | OwnPassword:
    """Read a credential from a file; blocks.

    :raises StateError: when there is none, or it cannot be used, or others can read it.
    """
    content = read_private(path)
    if content is None:
        raise StateError(path, "is not there", "give the file with the private key or the password")
    return _read(path, content, passphrase)


def _read(path: Path, content: bytes, passphrase: str | None) -> OwnKey | OwnPassword:
    with about(path):
        return _key(content, passphrase) if content.lstrip().startswith(_PEM) else _password(content)


def _key(content: bytes, passphrase: str | None) -> OwnKey:
    key = read_key(content, passphrase)
    try:
        check_key(key.public_key())
    except Refused as refused:
        raise Unusable("holds a key that pkid does not use", str(refused)) from None
    return OwnKey(key)


def _password(content: bytes) -> OwnPassword:
    line = content.decode("latin-1").removesuffix("\n").removesuffix("\r")
    if not line or not line.isascii() or not line.isprintable():
        raise Unusable("holds neither a PEM private key nor a password", "a password is one line of printable ASCII")
    return OwnPassword(line)
