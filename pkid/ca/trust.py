"""How a certificate is recognised: its fingerprint, who signed it, and whether it is what was asked for.

Knows what makes a certificate trustworthy; must not know how it arrived. The time is a parameter.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from cryptography import x509

from pkid.ca.chain import UNREADABLE, BrokenPath, check_path, is_authority, is_der_issued_by, is_issued_by
from pkid.ca.keys import PublicKey, key_bytes
from pkid.ca.names import Names

__all__ = [
    "TrustError",
    "UnfitAuthority",
    "UnfitCertificate",
    "check_authority",
    "check_certificate",
    "fingerprint",
    "host_names_of",
    "is_der_issued_by",
    "is_issued_by",
    "names_of",
    "pem",
    "read_fingerprint",
    "same_fingerprint",
]

_PEM_LINE = 64  # characters (RFC 7468, section 2)


class TrustError(Exception):
    """Something that was received is not to be trusted: the sentence says what, and what to do."""


class UnfitAuthority(TrustError):
    """A certificate that is to be trusted as the authority's cannot be one, or not now."""


class UnfitCertificate(TrustError):
    """A certificate is not the one that was asked for."""


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a DER certificate as 32 upper-case hex pairs joined by colons."""
    return sha256(certificate).digest().hex(":").upper()


def read_fingerprint(text: str) -> str:
    """Read a fingerprint that a person typed: 64 hex digits in any case, with or without colons.

    :raises ValueError: when it is anything else.
    """
    digits = text.replace(":", "")
    try:
        digest = bytes.fromhex(digits) if len(digits) == 64 else b""
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise ValueError(
            "is not the SHA-256 fingerprint of a certificate: that is 64 hex digits, with or without colons"
        )
    return digest.hex(":").upper()


def same_fingerprint(one: str, other: str) -> bool:
    """Compare two fingerprints letter by letter, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def pem(certificate: bytes) -> bytes:
    """Return a DER certificate as one PEM block with a final newline."""
    text = base64.b64encode(certificate)
    lines = [text[start : start + _PEM_LINE] for start in range(0, len(text), _PEM_LINE)]
    return b"\n".join([b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""])


def host_names_of(certificate: x509.Certificate) -> Names:
    """Return the host names and addresses of a certificate, whatever else it names; DNS names in lower case."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return Names()
    dns = tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))
    return Names.of(dns, tuple(names.get_values_for_type(x509.IPAddress)))  # type: ignore[arg-type]  # as below


def names_of(certificate: x509.Certificate) -> Names:
    """Return the subject alternative names of a certificate, DNS names in lower case.

    :raises UnfitCertificate: when they cannot be read, or one is of another kind than pkid's.
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names()
    except UNREADABLE:
        raise UnfitCertificate("the certificate cannot be read; get another one") from None
    dns = tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))
    ip = tuple(names.get_values_for_type(x509.IPAddress))
    uri = tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
    if len(dns) + len(ip) + len(uri) != len(list(names)):
        raise UnfitCertificate("the certificate holds names that nobody asked for; do not use it")
    return Names.of(dns, ip, uri)  # type: ignore[arg-type]  # no networks stand in alternative names


def check_authority(certificate: x509.Certificate, now: datetime) -> None:
    """Check that a certificate can be an authority's, and is valid now.

    Whether it is the right one is for its fingerprint to say.

    :param now: aware UTC.
    :raises UnfitAuthority: otherwise.
    """
    if not is_authority(certificate):
        raise UnfitAuthority(
            "the certificate is not a certificate authority's; give the core's CA certificate, which GET /ca/cert has"
        )
    if problem := _out_of_time(certificate, now):
        raise UnfitAuthority(f"the CA certificate {problem}")


def check_certificate(
    certificate: x509.Certificate,
    public_key: PublicKey,
    names: Names,
    authority: x509.Certificate,
    now: datetime,
    intermediates: Iterable[x509.Certificate] = (),
) -> None:
    """Check that a certificate is what was asked for, and can be used now.

    :param public_key: the key that was in the request.
    :param names: the names that were in the request; it must hold these and no others.
    :param authority: the CA certificate that is trusted, and no other is.
    :param now: aware UTC.
    :param intermediates: certificates that may stand between the two; nothing is believed of them.
    :raises UnfitCertificate: otherwise.
    """
    if not _is_for(certificate, public_key):
        raise UnfitCertificate("the certificate is for another key than the request's; do not use it")
    _check_names(names_of(certificate), names)
    if problem := _out_of_time(certificate, now):
        raise UnfitCertificate(f"the certificate {problem}")
    try:
        check_path(certificate, authority, intermediates, now)
    except BrokenPath as error:
        raise UnfitCertificate(f"the certificate does not lead to the trusted CA ({error}); do not use it") from None


def _is_for(certificate: x509.Certificate, key: PublicKey) -> bool:
    try:
        return key_bytes(certificate.public_key()) == key_bytes(key)  # type: ignore[arg-type]
    except UNREADABLE:
        return False


def _check_names(held: Names, asked: Names) -> None:
    missing = {*asked.dns, *asked.ip, *asked.uri} - {*held.dns, *held.ip, *held.uri}
    extra = {*held.dns, *held.ip, *held.uri} - {*asked.dns, *asked.ip, *asked.uri}
    if missing:
        shown = ", ".join(sorted(map(str, missing)))
        raise UnfitCertificate(f"the certificate lacks names that were asked for ({shown}); do not use it")
    if extra:
        raise UnfitCertificate("the certificate holds names that nobody asked for; do not use it")


def _out_of_time(certificate: x509.Certificate, now: datetime) -> str | None:
    """Say what is wrong with a certificate's time: half a sentence, or ``None``."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < start:
        return f"is valid only from {start:%Y-%m-%d %H:%M:%S} UTC, and here it is {now:%H:%M:%S}; check the clocks"
    if now >= end:
        return f"was valid until {end:%Y-%m-%d %H:%M:%S} UTC; get a new one, or check the clocks"
    return None
