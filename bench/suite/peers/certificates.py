"""Certificates for servers that are not pkid: whoever signed them, the load trusts them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid.ca.issuer import make_root
from pkid.ca.keys import KeyType

__all__ = ["write_authority", "write_server_certificate"]


def write_authority(folder: Path, kind: KeyType) -> tuple[Path, Path]:
    """Write a CA's certificate and its key into a folder; return both files."""
    issuer = make_root(kind.generate(), datetime.now(UTC), x509.random_serial_number())
    certificate, key = folder / "ca.crt", folder / "ca.key"
    certificate.write_bytes(issuer.certificate.public_bytes(Encoding.PEM))
    key.write_bytes(issuer.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return certificate, key


def write_server_certificate(folder: Path) -> Path:
    """Write a self-signed P-256 certificate and its key into one file, as pkid's own is P-256."""
    issuer = make_root(KeyType.P256.generate(), datetime.now(UTC), x509.random_serial_number())
    file = folder / "server.pem"
    key = issuer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(key + issuer.certificate.public_bytes(Encoding.PEM))
    return file
