"""The issuer: a CA certificate and its key, which sign what was approved (RFC 5280)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pkid.ca.keys import PrivateKey, PublicKey, digest_for, key_bytes
from pkid.ca.names import Names
from pkid.ca.profile import Approved
from pkid.errors import Reason, Unavailable

__all__ = ["ROOT_LIFETIME", "Issuer", "make_root"]

ROOT_LIFETIME = timedelta(days=3650)
"""How long a root that the core makes for itself is valid."""

_BACKDATE = timedelta(minutes=1)
"""A component's clock may be a little behind the core's."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs what was approved, with its key, under its name."""

    certificate: x509.Certificate
    key: PrivateKey

    def problem(self, now: datetime) -> str | None:
        """Say why this pair cannot issue: half a sentence, or ``None`` if it can."""
        if key_bytes(self.key.public_key()) != key_bytes(self.certificate.public_key()):  # type: ignore[arg-type]
            return "holds a certificate and a key that do not belong together"
        if not _may_sign_certificates(self.certificate):
            return "holds a certificate that is not a certificate authority's"
        if now < self.certificate.not_valid_before_utc:
            return f"holds a certificate that is valid only from {self.certificate.not_valid_before_utc:%Y-%m-%d}"
        if now >= self.certificate.not_valid_after_utc:
            return f"holds a certificate that is valid only until {self.certificate.not_valid_after_utc:%Y-%m-%d}"
        return None

    def sign(self, approved: Approved, now: datetime, serial: int) -> x509.Certificate:
        """Sign an approved content.

        It is backdated by a minute, and ends with its issuer at the latest.

        :param now: aware UTC.
        :param serial: a random positive number of at least 128 bits.
        :raises Unavailable: when the issuer itself is not valid now.
        """
        start, end = self._validity(now, approved.lifetime)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(approved.common_name))
            .issuer_name(self.certificate.subject)
            .public_key(approved.public_key)
            .serial_number(serial)
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(_key_usage(approved.public_key), critical=True)
            .add_extension(_EXTENDED_KEY_USAGE, critical=False)
            .add_extension(_alternative_names(approved.names), critical=approved.common_name is None)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(approved.public_key), critical=False)
            .add_extension(self._authority_key(), critical=False)
        )
        return builder.sign(self.key, digest_for(self.key))

    def _validity(self, now: datetime, lifetime: timedelta) -> tuple[datetime, datetime]:
        issuer_start, issuer_end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        if not issuer_start <= now < issuer_end:
            raise Unavailable(Reason.EXPIRED_ISSUER)
        whole_second = now.replace(microsecond=0)
        return max(whole_second - _BACKDATE, issuer_start), min(whole_second + lifetime, issuer_end)

    def _authority_key(self) -> x509.AuthorityKeyIdentifier:
        ski = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)


def make_root(key: PrivateKey, now: datetime, serial: int) -> Issuer:
    """Make a self-signed root for a key; it signs leaves only (path length 0).

    :param now: aware UTC; the root is backdated like a leaf.
    :param serial: a random positive number of at least 128 bits; its start makes the name unique.
    """
    public_key = key.public_key()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "pkid"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"pkid CA {serial:040x}"[:24]),
        ]
    )
    start = now.replace(microsecond=0) - _BACKDATE
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + ROOT_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_CA_KEY_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key), critical=False)
        .sign(key, digest_for(key))
    )
    return Issuer(certificate, key)


def _may_sign_certificates(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and usage.key_cert_sign


def _subject(common_name: str | None) -> x509.Name:
    if common_name is None:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_names(names: Names) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [
            *(x509.DNSName(name) for name in names.dns),
            *(x509.IPAddress(address) for address in names.ip),
            *(x509.UniformResourceIdentifier(uri) for uri in names.uri),
        ]
    )


def _usage(*, digital_signature: bool = False, key_encipherment: bool = False, signs: bool = False) -> x509.KeyUsage:
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


def _key_usage(key: PublicKey) -> x509.KeyUsage:
    """Allow key encipherment for RSA keys only: no other can do it (RFC 8813, section 3)."""
    return _usage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPublicKey))


_CA_KEY_USAGE = _usage(signs=True)
_EXTENDED_KEY_USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
