"""The plain forms of a proof: a signature over challenge and name, or a digest of challenge and secret.

Weaker than everything else here, and only for clients that know nothing better: such a proof does not say to which core
or on which connection it was given, so whoever stands between may pass it on; the core proves nothing in turn, and who
reads the digest can guess the secret at a hash for each attempt. What is signed or hashed is the CBOR array (RFC 8949)
of the challenge, a byte string, and the name or secret, a text.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pkid.auth.schemes import Scheme
from pkid.ca.keys import PublicKey
from pkid.errors import Reason, Refused

__all__ = ["challenge_and_text", "plain_scheme_of", "secret_digest", "verify_digest", "verify_plain"]

_BYTES, _TEXT, _ARRAY = 2, 3, 4  # the major types of CBOR (RFC 8949, section 3.1)


def plain_scheme_of(key: PublicKey) -> Scheme | None:
    """Return the plain scheme of a key; there is none for Ed25519 and P-384."""
    match key:
        case rsa.RSAPublicKey():
            return Scheme.PLAIN_RSA
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return Scheme.PLAIN_ECDSA
    return None


def challenge_and_text(challenge: bytes, text: str) -> bytes:
    """Return what is signed or hashed: ``82``, the challenge and the text, each with its head."""
    encoded = text.encode("utf-8")
    return _head(_ARRAY, 2) + _head(_BYTES, len(challenge)) + challenge + _head(_TEXT, len(encoded)) + encoded


def secret_digest(challenge: bytes, secret: str) -> bytes:
    """Return the proof of who knows a secret, 32 bytes."""
    return sha256(challenge_and_text(challenge, secret)).digest()


def verify_plain(key: PublicKey, challenge: bytes, component: str, signature: bytes) -> None:
    """Check a signature: RSA by PKCS #1 v1.5, or ECDSA on P-256, both with SHA-256.

    :raises Refused: ``proof-failed``, also for a key of another kind.
    """
    message = challenge_and_text(challenge, component)
    try:
        match key:
            case rsa.RSAPublicKey():
                key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
                key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
            case _:
                raise Refused(Reason.PROOF_FAILED)
    except InvalidSignature:
        raise Refused(Reason.PROOF_FAILED) from None


def verify_digest(secret: str, challenge: bytes, digest: bytes) -> None:
    """Check the digest of a challenge and a secret.

    :raises Refused: ``proof-failed``.
    """
    if not hmac.compare_digest(secret_digest(challenge, secret), digest):
        raise Refused(Reason.PROOF_FAILED)


def _head(major: int, argument: int) -> bytes:
    """Write a type and a length in as few bytes as they take (RFC 8949, section 4.2.1)."""
    if argument < 24:
        return bytes([major << 5 | argument])
    if argument < 1 << 8:
        return bytes([major << 5 | 24, argument])
    return bytes([major << 5 | 25]) + argument.to_bytes(2, "big")
