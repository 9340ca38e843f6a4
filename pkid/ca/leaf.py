"""What stands in a leaf, and how: what all leaves of an issuer share is written once (RFC 5280, section 4).

To have the library build a whole certificate anew costs several times what the signature costs; a test compares what is
written here with what it would have built. Knows nothing of the issuer's private key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkid.ca.der import bit_string, explicit, extension, instant, integer, octet_string, sequence
from pkid.ca.encoding import (
    ALTERNATIVE_NAMES,
    DNS_NAME,
    IP_ADDRESS,
    URI,
    alternative_names,
    is_rsa,
    key_identifier,
    subject,
)
from pkid.ca.names import Names
from pkid.ca.profile import Approved

__all__ = ["Leaf", "LeafForm", "Validity", "key_usage"]

_KEY_IDENTIFIER = 14  # below 2.5.29
_VERSION_3 = explicit(0, integer(2))
_SERIALS = range(1, 1 << 159)  # at most 20 bytes: RFC 5280, section 4.1.2.2


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is valid: aware UTC, in whole seconds.

    :ivar der: as it stands in the certificate.
    """

    start: datetime
    end: datetime
    der: bytes

    @classmethod
    def of(cls, start: datetime, end: datetime) -> Validity:
        """Write the two."""
        return cls(start, end, sequence(instant(start), instant(end)))


@dataclass(frozen=True, slots=True)
class Leaf:
    """A signed certificate.

    :ivar certificate: in DER form.
    """

    certificate: bytes
    serial: int
    validity: Validity


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
        return cls(algorithm, issuer.public_bytes(), _extension(authority_key, critical=False))

    def content(self, approved: Approved, validity: Validity, serial: int) -> bytes:
        """Write what is to be signed, the ``TBSCertificate``.

        :raises ValueError: for a serial number that no certificate may have.
        """
        if serial not in _SERIALS:
            raise ValueError("a serial number is positive and below 2**159")
        key_info, has_subject = approved.key_info, approved.common_name is not None
        extensions = sequence(
            _KEY_USAGES[is_rsa(key_info)],
            _EXTENDED_KEY_USAGE,
            extension(ALTERNATIVE_NAMES, alternative_names(_general(approved.names)), critical=not has_subject),
            _NO_AUTHORITY,
            extension(_KEY_IDENTIFIER, octet_string(key_identifier(key_info)), critical=False),
            self.authority_key,
        )
        return sequence(
            _VERSION_3,
            integer(serial),
            self.algorithm,
            self.issuer,
            validity.der,
            subject(approved.common_name),
            key_info,
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


def _general(names: Names) -> Iterator[tuple[int, bytes]]:
    """Return checked names as they stand in a certificate."""
    for name in names.dns:
        yield DNS_NAME, name.encode("ascii")
    for address in names.ip:
        yield IP_ADDRESS, address.packed
    for uri in names.uri:
        yield URI, uri.encode("ascii")


def _extension(value: x509.ExtensionType, *, critical: bool) -> bytes:
    number = int(value.oid.dotted_string.removeprefix("2.5.29."))
    return extension(number, value.public_bytes(), critical=critical)


# Key encipherment is for RSA keys only: no other can do it (RFC 8813, section 3).
_KEY_USAGES = {
    of_rsa: _extension(key_usage(digital_signature=True, key_encipherment=of_rsa), critical=True)
    for of_rsa in (False, True)
}
_NO_AUTHORITY = _extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
_EXTENDED_KEY_USAGE = _extension(
    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
)
