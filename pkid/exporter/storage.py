"""Where the exporter keeps its certificate and the CA that it trusts."""

from __future__ import annotations

from pathlib import Path

from pkid.agent import DirectoryStorage, GivenAuthority, Storage
from pkid.errors import StateError

__all__ = ["make_storage", "open_directory"]


def make_storage(state: Path, ca_cert: Path | None) -> Storage:
    """Return the storage in a directory; nothing is touched yet.

    :param ca_cert: a file with the only CA certificate to trust, if one is given.
    """
    storage = DirectoryStorage(state)
    return storage if ca_cert is None else GivenAuthority(ca_cert, storage)


def open_directory(state: Path) -> None:
    """Make the directory, if there is none.

    :raises StateError: when it cannot be made, or is a core's.
    """
    if (state / "ca.pem").exists() or (state / "ledger.sqlite").exists():
        raise StateError(state, "belongs to a core", "choose another one with --state")
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(state, f"cannot be made ({error.strerror})", "choose another one with --state") from None
