"""A component's private key and the certificate for it, and the one PEM text that holds both.

Pure; whether a certificate is to be trusted is decided in :mod:`pkid.ca.trust`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from pkid.ca.chain import UNREADABLE
from pkid.ca.keys import PrivateKey
from pkid.ca.names import Names
from pkid.ca.trust import check_certificate

__all__ = ["Credential"]


@dataclass(frozen=True, slots=True)
class Credential:
    """A private key, the certificate for it, and the intermediates that lead to the CA, the issuer first."""

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate
    intermediates: tuple[x509.Certificate, ...] = ()

    @classmethod
    def read(cls, pem: bytes) -> Self:
        """Read what :meth:`pem` wrote.

        :raises ValueError: when it is anything else.
        """
        try:
            key = load_pem_private_key(pem, None)
            certificate, *intermediates = x509.load_pem_x509_certificates(pem)
        except UNREADABLE as error:
            raise ValueError(str(error)) from None
        if not isinstance(key, PrivateKey):
            raise ValueError("the key is of a kind that pkid does not use")  # noqa: TRY004  # a file's content
        return cls(key, certificate, tuple(intermediates))

    def pem(self) -> bytes:
        """Return key and certificates as one text, so that they cannot part."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.intermediates))

    @property
    def not_before(self) -> datetime:
        """When it begins to be valid, aware UTC."""
        return self.certificate.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """When it ends, aware UTC."""
        return self.certificate.not_valid_after_utc

    def check(self, names: Names, authority: x509.Certificate, now: datetime) -> None:
        """Check that key and certificate belong together, for these names and no others, and can be used now.

        :param now: aware UTC.
        :raises UnfitCertificate: otherwise.
        """
        check_certificate(self.certificate, self.key.public_key(), names, authority, now, self.intermediates)
