"""Where the exporter keeps its certificate and the CA that it trusts."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from pkid.agent import Credential, DirectoryStorage, Storage
from pkid.errors import StateError
from pkid.files import read_regular

__all__ = ["GivenAuthority", "make_storage", "open_directory"]


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


class GivenAuthority:
    """A storage whose CA certificate is one that was given, and is never replaced.

    :param path: the file that holds it.
    :param storage: keeps everything else.
    """

    def __init__(self, path: Path, storage: Storage) -> None:
        self.place = str(path)
        self._path = path
        self._storage = storage

    def load_authority(self) -> x509.Certificate:
        """Return the certificate that was given.

        :raises StateError: when the file holds none, or more than one.
        """
        try:
            (authority,) = x509.load_pem_x509_certificates(read_regular(self._path))
        except ValueError:
            problem = "does not hold one certificate", "write the CA certificate into it, in PEM"
            raise StateError(self._path, *problem) from None
        return authority

    def save_authority(self, authority: x509.Certificate) -> None:
        """Refuse another one.

        :raises StateError: always.
        """
        raise StateError(self.place, "is no longer the CA of the core", "replace it by the core's CA certificate")

    def load_credential(self) -> Credential | None:
        """Return the key and certificate that were saved last."""
        return self._storage.load_credential()

    def save_credential(self, credential: Credential) -> None:
        """Keep a key and its certificate."""
        self._storage.save_credential(credential)
