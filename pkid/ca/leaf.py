"""What stands in a leaf, and how: what all leaves of an issuer share is written once (RFC 5280, section 4).

The library writes names, keys and extensions; here they are only put side by side, because to have it build a whole
certificate anew costs several times what the signature costs. Knows nothing of the issuer's private key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pkid.ca.der import bit_string, explicit, extension, instant, integer, sequence
from pkid.ca.keys import key_bytes
from pkid.ca.names import Names
from pkid.ca.profile import Approved

__all__ = ["Leaf", "LeafForm"]

_VERSION_3 = explicit(0, integer(2))
_SERIALS = range(1, 1 << 159)  # at most 20 bytes: RFC 5280, section 4.1.2.2


@dataclass(frozen=True, slots=True)
class Leaf:
    """A signed certificate.

    :ivar certificate: in DER form.
    :ivar not_before: start of validity, and :ivar not_after: its end, aware UTC, in whole seconds.
    """

    certificate: bytes
    serial: int
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class LeafForm:
    """What all leaves of an issuer have in common, in DER.

    :ivar algorithm: by which they are signed.
    :ivar issuer: its name.
    :ivar authority_key: the extension that names its key.
    """

    algorithm: bytes
    issuer: bytes
    authority_key: bytes

    @classmethod
    def of(cls, algorithm: bytes, issuer: x509.Name, authority_key: x509.AuthorityKeyIdentifier) -> LeafForm:
        """Write the form."""
        return cls(algorithm, issuer.public_bytes(), extension(authority_key, critical=False))

    def content(self, approved: Approved, start: datetime, end: datetime, serial: int) -> bytes:
        """Write what is to be signed, the ``TBSCertificate``.

        :raises ValueError: for a serial number that no certificate may have.
        """
        if serial not in _SERIALS:
            raise ValueError("a serial number is positive and below 2**159")
        public_key = approved.public_key
        extensions = sequence(
            _KEY_USAGES[isinstance(public_key, rsa.RSAPublicKey)],
            _EXTENDED_KEY_USAGE,
            extension(_alternative_names(approved.names), critical=approved.common_name is None),
            _NO_AUTHORITY,
            extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False),
            self.authority_key,
        )
        return sequence(
            _VERSION_3,
            integer(serial),
            self.algorithm,
            self.issuer,
            sequence(instant(start), instant(end)),
            _subject(approved.common_name),
            key_bytes(public_key),
            explicit(3, extensions),
        )

    def certificate(self, content: bytes, signature: bytes) -> bytes:
        """Put a certificate together."""
        return sequence(content, self.algorithm, bit_string(signature))


def key_usage(*, digital_signature: bool = False, key_encipherment: bool = False, signs: bool = False) -> x509.KeyUsage:
    """Return what a key may be used for."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(common_name: str | None) -> bytes:
    if common_name is None:
        return sequence()
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]).public_bytes()


def _alternative_names(names: Names) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [
            *(x509.DNSName(name) for name in names.dns),
            *(x509.IPAddress(address) for address in names.ip),
            *(x509.UniformResourceIdentifier(uri) for uri in names.uri),
        ]
    )


# Key encipherment is for RSA keys only: no other can do it (RFC 8813, section 3).
_KEY_USAGES = {
    of_rsa: extension(key_usage(digital_signature=True, key_encipherment=of_rsa), critical=True)
    for of_rsa in (False, True)
}
_NO_AUTHORITY = extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
_EXTENDED_KEY_USAGE = extension(
    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
)
