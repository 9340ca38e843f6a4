"""What nobody who signs can leave out, done with the library alone: no checks, no ledger, no HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkid.ca.issuer import make_root
from pkid.ca.keys import KeyType

__all__ = ["BareSigner"]

_USAGE = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
_PURPOSES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


class BareSigner:
    """Verifies a request, builds a certificate of the same extensions as pkid's, and signs it.

    :param kind: of the CA's key.
    """

    def __init__(self, kind: KeyType) -> None:
        self._issuer = make_root(kind.generate(), datetime.now(UTC), x509.random_serial_number())
        self._identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._issuer.key.public_key())

    def sign(self, body: bytes) -> bytes:
        """Return the certificate for a request, both in PEM."""
        csr = x509.load_pem_x509_csr(body)
        assert csr.is_signature_valid
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key, now = csr.public_key(), datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(self._issuer.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=365))
            .add_extension(_USAGE, critical=True)
            .add_extension(_PURPOSES, critical=False)
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(self._identifier, critical=False)
        )
        return builder.sign(self._issuer.key, hashes.SHA256()).public_bytes(Encoding.PEM)
