"""How a certificate is recognised: its fingerprint, and who signed it."""

from __future__ import annotations

from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

__all__ = ["fingerprint", "is_issued_by", "pem"]


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a DER certificate as 32 upper-case hex pairs joined by colons."""
    return sha256(certificate).digest().hex(":").upper()


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether the issuer's name and key made this certificate; nothing is said of times or names."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def pem(certificate: bytes) -> bytes:
    """Return a DER certificate as one PEM block with a final newline."""
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
