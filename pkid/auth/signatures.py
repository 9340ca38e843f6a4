"""Proofs by a signature over the transcript, with the key whose public half the core has stored."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Prover, Transcript
from pkid.ca.keys import PrivateKey, PublicKey
from pkid.errors import Reason, Refused

__all__ = ["scheme_of", "sign", "verify"]

_ECDSA_P256, _ECDSA_P384 = ec.ECDSA(hashes.SHA256()), ec.ECDSA(hashes.SHA384())
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def scheme_of(key: PublicKey) -> Scheme:
    """Return the one scheme that goes with a key; a key of another kind is :func:`~pkid.ca.keys.check_key`'s to refuse.

    :raises Refused: ``weak-key`` for a curve that has none.
    """
    match key:
        case rsa.RSAPublicKey():
            return Scheme.RSA_PSS
        case ed25519.Ed25519PublicKey():
            return Scheme.ED25519
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return Scheme.ECDSA_P256
        case ec.EllipticCurvePublicKey(curve=ec.SECP384R1()):
            return Scheme.ECDSA_P384
    raise Refused(Reason.WEAK_KEY, f"curve {key.curve.name}")


def sign(key: PrivateKey, transcript: Transcript) -> bytes:
    """Prove a component's name; the transcript's chosen scheme must be the key's.

    :raises Refused: ``proof-failed`` when it is another one.
    """
    _check_choice(key.public_key(), transcript)
    message = transcript.encode(Prover.COMPONENT)
    match key:
        case rsa.RSAPrivateKey():
            return key.sign(message, _PSS, hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, _ecdsa(key.curve))
        case ed25519.Ed25519PrivateKey():
            return key.sign(message)


def verify(key: PublicKey, transcript: Transcript, signature: bytes) -> None:
    """Check a component's proof.

    :raises Refused: ``proof-failed``.
    """
    _check_choice(key, transcript)
    message = transcript.encode(Prover.COMPONENT)
    try:
        match key:
            case rsa.RSAPublicKey():
                key.verify(signature, message, _PSS, hashes.SHA256())
            case ec.EllipticCurvePublicKey():
                key.verify(signature, message, _ecdsa(key.curve))
            case ed25519.Ed25519PublicKey():
                key.verify(signature, message)
    except InvalidSignature:
        raise Refused(Reason.PROOF_FAILED) from None


def _check_choice(key: PublicKey, transcript: Transcript) -> None:
    if scheme_of(key).value != transcript.chosen:
        raise Refused(Reason.PROOF_FAILED)


def _ecdsa(curve: ec.EllipticCurve) -> ec.ECDSA:
    return _ECDSA_P384 if isinstance(curve, ec.SECP384R1) else _ECDSA_P256
