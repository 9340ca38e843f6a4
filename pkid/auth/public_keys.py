"""Public keys as components bring them: PEM or DER, SubjectPublicKeyInfo or the older form for RSA (PKCS #1)."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from pkid.ca.keys import PublicKey, check_key
from pkid.errors import Malformed, Reason

__all__ = ["LARGEST_KEY", "is_pem", "read_public_key"]

LARGEST_KEY = 8192
"""Bytes; RSA of 8192 bits takes about 1600 in PEM form."""


def is_pem(content: bytes) -> bool:
    """Tell whether this is text with the marks of PEM (RFC 7468)."""
    return content.lstrip().startswith(b"-----BEGIN")


def read_public_key(content: bytes) -> PublicKey:
    """Read a public key of a kind that is accepted.

    :raises Malformed: ``weak-key`` when it is none, or cannot be read.
    :raises Refused: ``weak-key`` for a kind or size that is not accepted.
    """
    if len(content) > LARGEST_KEY:
        raise Malformed(Reason.WEAK_KEY, f"it has more than {LARGEST_KEY} bytes")
    load = load_pem_public_key if is_pem(content) else load_der_public_key
    try:
        key = load(content)
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed(Reason.WEAK_KEY, "it cannot be read") from None
    return check_key(key)  # type: ignore[arg-type]  # which refuses all kinds but its own
