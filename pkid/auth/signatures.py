"""Proofs by a signature over the transcript, with the key whose public half the core has stored."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Prover, Transcript
from pkid.ca.keys import PrivateKey, PublicKey
from pkid.errors import Reason, Refused

__all__ = ["scheme_of", "sign", "verify"]

_CURVES = {"secp256r1": Scheme.ECDSA_P256, "secp384r1": Scheme.ECDSA_P384}
_ALGORITHMS: dict[Scheme, tuple[Any, ...]] = {
    Scheme.RSA_PSS: (padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH), hashes.SHA256()),
    Scheme.ECDSA_P256: (ec.ECDSA(hashes.SHA256()),),
    Scheme.ECDSA_P384: (ec.ECDSA(hashes.SHA384()),),
    Scheme.ED25519: (),
}


def scheme_of(key: PublicKey) -> Scheme:
    """Return the one scheme that goes with a key; a key of another kind is :func:`~pkid.ca.keys.check_key`'s to refuse.

    :raises Refused: ``weak-key`` for a curve that has none.
    """
    scheme = _scheme_of_all(type(key))
    if scheme is not None:
        return scheme
    curve = cast("ec.EllipticCurvePublicKey", key).curve.name
    if curve not in _CURVES:
        raise Refused(Reason.WEAK_KEY, f"curve {curve}")
    return _CURVES[curve]


def sign(key: PrivateKey, transcript: Transcript) -> bytes:
    """Prove a component's name; the transcript's chosen scheme must be the key's.

    :raises Refused: ``proof-failed`` when it is another one.
    """
    algorithm = _chosen_algorithm(key.public_key(), transcript)
    signature: bytes = key.sign(transcript.encode(Prover.COMPONENT), *algorithm)
    return signature


def verify(key: PublicKey, transcript: Transcript, signature: bytes) -> None:
    """Check a component's proof.

    :raises Refused: ``proof-failed``.
    """
    algorithm = _chosen_algorithm(key, transcript)
    try:
        key.verify(signature, transcript.encode(Prover.COMPONENT), *algorithm)
    except InvalidSignature:
        raise Refused(Reason.PROOF_FAILED) from None


def _chosen_algorithm(key: PublicKey, transcript: Transcript) -> tuple[Any, ...]:
    """Return what the library is to sign and verify with; it is for the key to say, and must be what was chosen."""
    scheme = scheme_of(key)
    if scheme.value != transcript.chosen:
        raise Refused(Reason.PROOF_FAILED)
    return _ALGORITHMS[scheme]


@cache  # there are a few; the library tells them apart by several calls of Python
def _scheme_of_all(kind: type[PublicKey]) -> Scheme | None:
    """Return the scheme of all keys of a kind; ``None`` where it depends on the curve."""
    if issubclass(kind, rsa.RSAPublicKey):
        return Scheme.RSA_PSS
    return Scheme.ED25519 if issubclass(kind, ed25519.Ed25519PublicKey) else None
