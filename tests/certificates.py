"""Keys, requests, authorities and tokens for tests, made on the spot; making a key is done once for each kind.

>>> body = csr_pem(dns=["db.example"], uri=["spiffe://pkid.internal/db"])
>>> root().sign(profile().check(read_request(body)), NOON, SERIAL)
>>> make_token({}, expires_at=int(NOON.timestamp()) + 300)
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import derive_key
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.keys import KeyType, PrivateKey, digest_for
from pkid.ca.names import DEFAULT_TRUST_DOMAIN, TrustDomain
from pkid.ca.profile import Profile

__all__ = [
    "CA_USAGE",
    "NOON",
    "PSK",
    "SALT",
    "SERIAL",
    "authority",
    "certificate_request",
    "csr_pem",
    "encode_segment",
    "handmade_token",
    "make_token",
    "private_key",
    "profile",
    "root",
    "signing_key",
]

NOON = datetime(2031, 5, 6, 12, 0, 0, tzinfo=UTC)
"""The time in most tests."""

SERIAL = 0x1234567890ABCDEF1234567890ABCDEF12345678
"""A serial number as large as they may be: 20 bytes in DER, the first bit clear."""

CA_USAGE = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
"""What an authority's key is for: to sign certificates and revocation lists."""

PSK = PreSharedKey("default", "a good pre-shared key, 1")
SALT = bytes(range(16))


@cache
def private_key(kind: KeyType = KeyType.P256, owner: str = "component") -> PrivateKey:
    """Return the key of this kind that belongs to *owner*; the same one each time."""
    return kind.generate()


@cache
def root(kind: KeyType = KeyType.P256) -> Issuer:
    """Return an authority with a key of this kind, a year old at :data:`NOON`."""
    return make_root(private_key(kind, "authority"), NOON - timedelta(days=365), SERIAL)


def authority(
    name: str,
    above: Issuer | None = None,
    *,
    kind: KeyType = KeyType.P256,
    path_length: int | None = None,
    ca: bool = True,
    usage: x509.KeyUsage | None = CA_USAGE,
    identified: bool = True,
    valid: tuple[datetime, datetime] = (NOON - timedelta(days=30), NOON + timedelta(days=3000)),
    extensions: Iterable[x509.ExtensionType] = (),
) -> Issuer:
    """Make somebody else's authority: below another, or a root.

    :param name: an RFC 4514 name, ``CN=Example CA``; keys are told apart by it.
    :param identified: whether it has a subject key identifier.
    :param extensions: critical ones, beside the usual.
    """
    key = private_key(kind, name)
    subject = x509.Name.from_rfc4514_string(name)
    signer = above or Issuer(root().certificate, key)
    issuer_name = above.certificate.subject if above else subject
    builder = x509.CertificateBuilder(issuer_name, subject, key.public_key(), len(name) + SERIAL, *valid)
    builder = builder.add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    if identified:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    upper = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    builder = builder.add_extension(upper, critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return Issuer(builder.sign(signer.key, digest_for(signer.key)), key, above.chain if above else ())


def profile(**changes: Any) -> Profile:
    """Return the default rules for :func:`root`, with some fields changed."""
    default = Profile(TrustDomain(DEFAULT_TRUST_DOMAIN), timedelta(days=365), root().key.public_key())
    return replace(default, **changes)


def certificate_request(
    key: Any = None,
    *,
    common_name: str | None = "worker.example",
    subject: x509.Name | None = None,
    dns: Iterable[str] = (),
    ip: Iterable[str] = (),
    uri: Iterable[str] = (),
    other: Iterable[x509.GeneralName] = (),
    extensions: Iterable[x509.ExtensionType] = (),
    digest: hashes.HashAlgorithm | None = None,
) -> x509.CertificateSigningRequest:
    """Make a request, by default for a P-256 key and the common name ``worker.example`` without other names.

    :param subject: the whole subject, instead of a common name.
    :param other: alternative names that stand after the others.
    :param digest: SHA-256 if not given, none for the Edwards curves.
    """
    key = key or private_key()
    if subject is None:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns]
    names += [x509.IPAddress(ip_address(address)) for address in ip]
    names += [x509.UniformResourceIdentifier(name) for name in uri]
    names += other
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    if isinstance(key, Ed25519PrivateKey | Ed448PrivateKey):
        return builder.sign(key, None)
    return builder.sign(key, digest or hashes.SHA256())  # type: ignore[arg-type]


def csr_pem(key: Any = None, **options: Any) -> bytes:
    """Make a request as a client sends it; the options are those of :func:`certificate_request`."""
    return certificate_request(key, **options).public_bytes(Encoding.PEM)


@cache
def signing_key(secret: str = PSK.secret, salt: bytes = SALT) -> bytes:
    """Derive a token's signing key; done once for each secret and salt."""
    return derive_key(secret, salt)


def make_token(
    claims: Mapping[str, Any],
    *,
    expires_at: float | None = None,
    psk: PreSharedKey = PSK,
    salt: bytes = SALT,
    header: Mapping[str, Any] | None = None,
) -> bytes:
    """Make a token whose signature is right, whatever else may be wrong with it.

    :param expires_at: the claim ``exp``, seconds since the epoch; left out if ``None``.
    :param header: members that are added to the usual JOSE header or replace its own; ``None`` takes one out.
    """
    members = {"alg": "HS256", "typ": "JWT", "salt": base64.b64encode(salt).decode("ascii"), **(header or {})}
    shown = {name: value for name, value in members.items() if value is not None}
    payload = dict(claims) if expires_at is None else {**claims, "exp": expires_at}
    return handmade_token(json.dumps(shown).encode(), json.dumps(payload).encode(), signing_key(psk.secret, salt))


def handmade_token(header: bytes, payload: bytes, key: bytes) -> bytes:
    """Sign whatever bytes these are with HMAC-SHA256, in the compact form of RFC 7515."""
    signed = encode_segment(header) + b"." + encode_segment(payload)
    return signed + b"." + encode_segment(hmac.digest(key, signed, "sha256"))


def encode_segment(content: bytes) -> bytes:
    """Return the base64url form without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=")
