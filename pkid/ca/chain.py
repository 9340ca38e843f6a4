"""Chains of certificates: who signed whom, up to a root that signed itself (RFC 5280, section 6).

Knows what makes a chain whole; must not know whether its end is the right one. The time is a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from pkid.errors import Unusable

__all__ = [
    "UNREADABLE",
    "BrokenPath",
    "check_issuers",
    "check_path",
    "is_authority",
    "is_der_issued_by",
    "is_issued_by",
    "leads_to",
]

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What reading a part of a stranger's certificate may raise."""

_LONGEST = 8  # certificates, as many as usual verifiers follow
_UNDERSTOOD = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage)
_PURPOSES = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


class BrokenPath(Exception):
    """A certificate does not lead to the authority: the sentence says where."""


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether the issuer's name and key made this certificate; nothing is said of times or names."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_der_issued_by(certificate: bytes, issuer: x509.Certificate) -> bool:
    """Tell the same of a certificate in DER form, which may be anything."""
    try:
        loaded = x509.load_der_x509_certificate(certificate)
    except UNREADABLE:
        return False
    return is_issued_by(loaded, issuer)


def is_authority(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate's key may sign certificates (RFC 5280, 4.2.1.3 and 4.2.1.9)."""
    try:
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False
    return constraints.ca and usage.key_cert_sign


def leads_to(chain: Sequence[x509.Certificate], anchor: x509.Certificate) -> bool:
    """Tell whether one of a chain's certificates is the anchor, or is signed by it."""
    return any(certificate == anchor or is_issued_by(certificate, anchor) for certificate in chain)


def check_issuers(chain: Sequence[x509.Certificate], now: datetime) -> None:
    """Check an issuer's chain: its own certificate first, each signed by the next, the last by itself.

    :param now: aware UTC.
    :raises Unusable: when a link is missing, is no authority's, is not valid now, or may not have so many below it.
    """
    for depth, certificate in enumerate(chain):
        _check_issuer(certificate, depth, now)
    for below, above in pairwise(chain):
        if not is_issued_by(below, above):
            raise Unusable(
                f"has {_name(above)} after {_name(below)}, which it did not sign",
                "order its certificates so that each is followed by its issuer, up to the root",
            )
    last = chain[-1]
    if not is_issued_by(last, last):
        raise Unusable(
            f"does not lead to a root: its last certificate, {_name(last)}, is not signed by itself",
            f"append the certificates of its issuers, from {last.issuer.rfc4514_string()!r} up to the root",
        )


def check_path(
    certificate: x509.Certificate,
    anchor: x509.Certificate,
    intermediates: Iterable[x509.Certificate],
    now: datetime,
) -> None:
    """Check that a certificate leads to an authority that is trusted, through any of the intermediates.

    The verifier follows the rules of the Web's authorities, with two exceptions, because an operator's own CA may be
    old: a missing subject key identifier does not matter, and Ed25519 is known.

    :param intermediates: certificates that may stand between the two; nothing is believed of them.
    :param now: aware UTC.
    :raises BrokenPath: otherwise.
    """
    if not _may_stand_above(anchor, 0, now):
        raise BrokenPath("it is no certificate authority's, or not valid now")
    between = list(intermediates)
    if any(map(_has_ed25519, (anchor, *between))):
        _walk(certificate, anchor, between[:_LONGEST], now)
        return
    authorities = ExtensionPolicy.webpki_defaults_ca().may_be_present(
        x509.SubjectKeyIdentifier, Criticality.NON_CRITICAL, None
    )
    policy = PolicyBuilder().store(Store([anchor])).time(now)
    policy = policy.extension_policies(ca_policy=authorities, ee_policy=ExtensionPolicy.webpki_defaults_ee())
    try:
        policy.build_client_verifier().verify(certificate, between)
    except VerificationError as error:
        raise BrokenPath("".join(filter(str.isprintable, str(error)))) from None  # it repeats names as they stand


def _check_issuer(certificate: x509.Certificate, depth: int, now: datetime) -> None:
    """Check one certificate of an issuer's chain, which has *depth* authorities below it."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    renew = f"put a certificate of {_name(certificate)} in its place that is valid now, or check the clock"
    if not is_authority(certificate):
        raise Unusable(
            f"holds a certificate that is not a certificate authority's ({_name(certificate)})",
            "give one with CA:TRUE and the key usage keyCertSign, and its issuers up to the root",
        )
    if now < start:
        raise Unusable(f"holds a certificate that is valid only from {start:%Y-%m-%d %H:%M} UTC", renew)
    if now >= end:
        raise Unusable(f"holds a certificate that is valid only until {end:%Y-%m-%d %H:%M} UTC", renew)
    if not _may_have_below(certificate, depth):
        raise Unusable(
            f"holds a certificate that allows fewer authorities below it ({_name(certificate)})",
            "ask its owner for a longer path length, or use a CA that stands higher",
        )
    if depth >= _LONGEST or not _is_for_tls(certificate):
        raise Unusable(
            f"holds a certificate that no TLS client would follow ({_name(certificate)})",
            f"give a chain of at most {_LONGEST} certificates for servers and clients",
        )


def _may_have_below(certificate: x509.Certificate, depth: int) -> bool:
    length = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    return length is None or length >= depth


def _is_for_tls(certificate: x509.Certificate) -> bool:
    """Tell whether an authority may sign for servers and clients; without such a limit, it may."""
    try:
        usages = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return True
    return usages >= _PURPOSES or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages


def _walk(
    certificate: x509.Certificate, anchor: x509.Certificate, intermediates: list[x509.Certificate], now: datetime
) -> None:
    """Go from issuer to issuer; a critical extension that is not understood ends the way (RFC 5280, 4.2)."""
    depth = 0
    while not is_issued_by(certificate, anchor):
        found = next((each for each in intermediates if is_issued_by(certificate, each)), None)
        if found is None or not _understood(found) or not _may_stand_above(found, depth, now):
            raise BrokenPath("no authority that is known and valid signed it")
        intermediates = [each for each in intermediates if each is not found]
        certificate, depth = found, depth + 1
    if not _may_have_below(anchor, depth):
        raise BrokenPath("it may not have so many others below it")


def _may_stand_above(certificate: x509.Certificate, depth: int, now: datetime) -> bool:
    """Tell whether a certificate is an authority's that may have *depth* others between it and the leaf."""
    if not is_authority(certificate) or not _may_have_below(certificate, depth) or not _is_for_tls(certificate):
        return False
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def _understood(certificate: x509.Certificate) -> bool:
    try:
        return all(isinstance(each.value, _UNDERSTOOD) for each in certificate.extensions if each.critical)
    except UNREADABLE:
        return False


def _has_ed25519(certificate: x509.Certificate) -> bool:
    try:
        return isinstance(certificate.public_key(), ed25519.Ed25519PublicKey)
    except UNREADABLE:
        return False


def _name(certificate: x509.Certificate) -> str:
    return repr(certificate.subject.rfc4514_string())
