"""Where a component keeps what it must not lose: the CA that it trusts, its key and its certificate.

Knows files and their modes; must not know what makes a certificate trustworthy. Everything here blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.agent.credential import Credential
from pkid.ca.chain import UNREADABLE
from pkid.errors import StateError
from pkid.files import PRIVATE, read_private, read_regular, write_atomically

__all__ = ["DirectoryStorage", "GivenAuthority", "MemoryStorage", "Storage"]


class Storage(Protocol):
    """Keeps one component's trust and certificate. The methods may block, so they are called in threads."""

    @property
    def place(self) -> str:
        """Where the CA certificate is kept, in words for people."""

    def load_authority(self) -> x509.Certificate | None:
        """Return the CA certificate that was saved last.

        :raises StateError: when there is one that cannot be used.
        """

    def save_authority(self, authority: x509.Certificate) -> None:
        """Keep a CA certificate.

        :raises StateError: when that does not work.
        """

    def load_credential(self) -> Credential | None:
        """Return the key and certificate that were saved last.

        :raises StateError: when they cannot be used.
        """

    def save_credential(self, credential: Credential) -> None:
        """Keep a key and its certificate, both or neither.

        :raises StateError: when that does not work.
        """


class MemoryStorage:
    """Keeps everything as long as the process lives."""

    place = "memory"

    def __init__(self) -> None:
        self._authority: x509.Certificate | None = None
        self._credential: Credential | None = None

    def load_authority(self) -> x509.Certificate | None:
        """Return the CA certificate that was saved last."""
        return self._authority

    def save_authority(self, authority: x509.Certificate) -> None:
        """Keep a CA certificate."""
        self._authority = authority

    def load_credential(self) -> Credential | None:
        """Return the key and certificate that were saved last."""
        return self._credential

    def save_credential(self, credential: Credential) -> None:
        """Keep a key and its certificate."""
        self._credential = credential


class DirectoryStorage:
    """Keeps everything in a directory that belongs to one component and one certificate.

    ===================  ==========================================
    ``ca.crt``           the CA certificate that is trusted
    ``certificate.pem``  the key, its certificate, intermediates
    ===================  ==========================================

    Both files are private (0600) and replaced atomically: whoever could write the first could choose whom to trust.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._authority = directory / "ca.crt"
        self._credential = directory / "certificate.pem"

    @property
    def place(self) -> str:
        """The file of the CA certificate."""
        return str(self._authority)

    def load_authority(self) -> x509.Certificate | None:
        """Return the CA certificate that was saved last.

        :raises StateError: when the file cannot be used.
        """
        pem = read_private(self._authority)
        try:
            return None if pem is None else x509.load_pem_x509_certificate(pem)
        except UNREADABLE:
            raise _damaged(self._authority, "no CA certificate") from None

    def save_authority(self, authority: x509.Certificate) -> None:
        """Keep a CA certificate.

        :raises StateError: when it cannot be written.
        """
        self._write(self._authority, authority.public_bytes(Encoding.PEM))

    def load_credential(self) -> Credential | None:
        """Return the key and certificate that were saved last.

        :raises StateError: when the file cannot be used.
        """
        pem = read_private(self._credential)
        try:
            return None if pem is None else Credential.read(pem)
        except ValueError:
            raise _damaged(self._credential, "no key with its certificate") from None

    def save_credential(self, credential: Credential) -> None:
        """Keep a key and its certificate, in one file.

        :raises StateError: when it cannot be written.
        """
        self._write(self._credential, credential.pem())

    def _write(self, path: Path, content: bytes) -> None:
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            write_atomically(path, content, PRIVATE)
        except OSError as error:
            raise StateError(path, f"cannot be written ({error.strerror})", "see that its directory takes it") from None


class GivenAuthority:
    """A storage whose CA certificate is one that was given, and is never replaced.

    :param path: the file that holds it.
    :param storage: keeps everything else.
    """

    def __init__(self, path: Path, storage: Storage) -> None:
        self._path = path
        self._storage = storage

    @property
    def place(self) -> str:
        """The file that was given."""
        return str(self._path)

    def load_authority(self) -> x509.Certificate:
        """Return the certificate that was given.

        :raises StateError: when the file holds none, or more than one.
        """
        try:
            (authority,) = x509.load_pem_x509_certificates(read_regular(self._path))
        except ValueError:
            raise StateError(self._path, "does not hold one certificate", "give the CA certificate, in PEM") from None
        return authority

    def save_authority(self, authority: x509.Certificate) -> None:
        """Refuse another one.

        :raises StateError: always.
        """
        raise StateError(self._path, "is no longer the CA of the core", "replace it by the core's CA certificate")

    def load_credential(self) -> Credential | None:
        """Return the key and certificate that were saved last."""
        return self._storage.load_credential()

    def save_credential(self, credential: Credential) -> None:
        """Keep a key and its certificate."""
        self._storage.save_credential(credential)


def _damaged(path: Path, holds: str) -> StateError:
    return StateError(path, f"holds {holds}", "restore it from a backup, or remove it to have a new one fetched")
