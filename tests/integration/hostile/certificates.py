"""Client certificates that renew nothing, for ``POST /ca/renew``."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from pkid.ca.issuer import make_root
from pkid.ca.keys import KeyType, PrivateKey
from tests.certificates import csr_pem, private_key
from tests.integration.hostile.attempt import Attempt, post

__all__ = ["certificates"]


def certificates(state: Path, folder: Path) -> Iterator[Attempt]:
    """Yield them; some are signed by the core's own CA key, behind its back.

    :param state: the core's state directory.
    :param folder: where files for the handshakes may be put.
    """
    sent = post("/ca/renew", csr_pem(dns=["a.example"]))
    yield Attempt("no certificate", sent, 401)
    for number, (about, certificate, key) in enumerate(_pairs(state)):
        file = folder / f"{number}.pem"
        file.write_bytes(certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        context = ssl.create_default_context(cafile=str(state / "ca.crt"))
        context.load_cert_chain(file)
        yield Attempt(f"a certificate {about}", sent, 401, context=context)


def _pairs(state: Path) -> Iterator[tuple[str, bytes, PrivateKey]]:
    """Yield certificates, PEM, and their keys."""
    authority = (state / "ca.pem").read_bytes()
    ca_key = load_pem_private_key(authority, None)
    assert isinstance(ca_key, EllipticCurvePrivateKey)
    ca_certificate = x509.load_pem_x509_certificates(authority)[0]
    other = make_root(KeyType.P256.generate(), datetime.now(UTC), x509.random_serial_number())
    host = (state / "host.pem").read_bytes()
    yield "of another authority", other.certificate.public_bytes(Encoding.PEM), other.key
    yield "of the authority itself", ca_certificate.public_bytes(Encoding.PEM), ca_key
    yield "of the core itself", _certificate_of(host), load_pem_private_key(host, None)  # type: ignore[misc]
    for about, changes in (
        ("that nobody recorded", {}),
        ("that is over", {"days": -1}),
        ("that is not valid yet", {"start": 30}),
        ("with a line end in its name", {"name": "a\nb"}),
        ("with 2000 names", {"names": 2000}),
        ("with an over-long name", {"name": "a" * 100}),
        ("with an issuer of an over-long name", {"issuer_name": "b" * 100}),
        ("of another authority's name", {"issuer_name": "pkid CA"}),
    ):
        yield about, _leaf(ca_certificate, ca_key, **changes), private_key()


def _certificate_of(pem: bytes) -> bytes:
    """Return the first certificate of a file that holds a key too."""
    return x509.load_pem_x509_certificates(pem)[0].public_bytes(Encoding.PEM)


def _leaf(
    issuer: x509.Certificate,
    key: PrivateKey,
    *,
    start: int = -30,
    days: int = 60,
    name: str = "a.example",
    names: int = 1,
    issuer_name: str | None = None,
) -> bytes:
    begin = datetime.now(UTC) + timedelta(days=start)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .issuer_name(issuer.subject if issuer_name is None else _common_name(issuer_name))
        .public_key(private_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days if days > 0 else 1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(f"a{number}.example") for number in range(names)]), critical=False
        )
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name, _validate=False)])
