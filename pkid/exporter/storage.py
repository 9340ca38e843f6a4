"""Where the exporter keeps its certificate and the CA that it trusts."""

from __future__ import annotations

from pathlib import Path

from pkid.agent import DirectoryStorage, GivenAuthority, Storage

__all__ = ["make_storage"]


def make_storage(state: Path, ca_cert: Path | None) -> Storage:
    """Return the storage in a directory; nothing is touched yet.

    :param ca_cert: a file with the only CA certificate to trust, if one is given.
    """
    storage = DirectoryStorage(state)
    return storage if ca_cert is None else GivenAuthority(ca_cert, storage)
