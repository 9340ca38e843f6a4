"""What one certificate service keeps: its credential in a :class:`CertificateDirectory`, its trust elsewhere."""

from __future__ import annotations

from collections.abc import Collection

from cryptography import x509

from pkid.agent import Credential, Storage
from pkid.errors import StateError
from pkid.installer.directory import CertificateDirectory
from pkid.installer.parts import Part, pem_of_parts

__all__ = ["InstalledStorage"]


class InstalledStorage:
    """Keeps a credential as the files that programs read.

    :param trust: keeps the CA certificate that is trusted. It is not the copy that stands beside the certificate: who
        may write there must not choose whom to trust.
    :param parts: what a set has.
    """

    def __init__(self, directory: CertificateDirectory, trust: Storage, parts: Collection[Part]) -> None:
        self._directory = directory
        self._trust = trust
        self._parts = parts

    @property
    def place(self) -> str:
        """Where the CA certificate is kept."""
        return self._trust.place

    def load_authority(self) -> x509.Certificate | None:
        """Return the CA certificate that is trusted."""
        return self._trust.load_authority()

    def save_authority(self, authority: x509.Certificate) -> None:
        """Keep a CA certificate."""
        self._trust.save_authority(authority)

    def load_credential(self) -> Credential | None:
        """Return the key and certificate of the set in use.

        When the set is not what it should be, because other files are wanted now or somebody changed them, it is
        written anew.

        :raises StateError: when they cannot be used.
        """
        self._directory.open()
        key, certificates = self._directory.read(Part.KEY), self._directory.read(Part.FULLCHAIN)
        authority = self.load_authority()
        if key is None or certificates is None or authority is None:
            return None
        try:
            credential = Credential.read(key + certificates)
        except ValueError:
            problem = "does not hold a key and its certificate"
            raise StateError(self._directory.path, problem, "a new one is fetched") from None
        if credential.certificate.public_key() != credential.key.public_key():
            raise StateError(self._directory.path, "holds a key and another one's certificate", "a new one is fetched")
        contents = self._contents(credential, authority)
        if not self._directory.holds(contents):
            self._directory.install(contents)
        return credential

    def save_credential(self, credential: Credential) -> None:
        """Put a key and its certificate in the place of those in use.

        :raises StateError: when that does not work.
        """
        authority = self.load_authority()
        assert authority is not None, "who has a certificate knows its CA"
        self._directory.install(self._contents(credential, authority))

    def _contents(self, credential: Credential, authority: x509.Certificate) -> dict[Part, bytes]:
        return pem_of_parts(credential, authority, self._parts)
