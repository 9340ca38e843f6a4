"""Keys: the kinds that the authority makes, and the ones that it accepts in a request."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkid.errors import Reason, Refused

__all__ = [
    "KeyType",
    "PrivateKey",
    "PublicKey",
    "check_key",
    "digest_for",
    "key_bytes",
    "signature_algorithm",
    "signer",
    "signs_slowly",
]

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_SMALLEST_RSA, _LARGEST_RSA = 2048, 8192
_EXPONENT = 65537
_PKCS1, _SHA256, _ECDSA = PKCS1v15(), hashes.SHA256(), ec.ECDSA(hashes.SHA256())
_SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")  # 1.2.840.113549.1.1.11 with NULL: RFC 4055
_ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")  # 1.2.840.10045.4.3.2: RFC 5758
_ECDSA_WITH_SHA384 = bytes.fromhex("300a06082a8648ce3d040303")  # 1.2.840.10045.4.3.3: RFC 5758
_ED25519 = bytes.fromhex("300506032b6570")  # 1.3.101.112: RFC 8410


class KeyType(Enum):
    """A kind of key that the authority can have."""

    P256 = "p256"
    P384 = "p384"
    RSA2048 = "rsa2048"
    RSA3072 = "rsa3072"
    RSA4096 = "rsa4096"
    ED25519 = "ed25519"

    @classmethod
    def of(cls, key: object) -> KeyType | None:
        """Return the kind of a public key, if it is one of these."""
        match key:
            case ec.EllipticCurvePublicKey():
                return {"secp256r1": cls.P256, "secp384r1": cls.P384}.get(key.curve.name)
            case ed25519.Ed25519PublicKey():
                return cls.ED25519
            case rsa.RSAPublicKey():
                return {2048: cls.RSA2048, 3072: cls.RSA3072, 4096: cls.RSA4096}.get(key.key_size)
        return None

    def generate(self) -> PrivateKey:
        """Make a new key; seconds of work for the larger RSA kinds, so not on the reactor."""
        match self:
            case KeyType.P256:
                return ec.generate_private_key(ec.SECP256R1())
            case KeyType.P384:
                return ec.generate_private_key(ec.SECP384R1())
            case KeyType.ED25519:
                return ed25519.Ed25519PrivateKey.generate()
            case _:
                return rsa.generate_private_key(_EXPONENT, int(self.value.removeprefix("rsa")))


def check_key(key: CertificatePublicKeyTypes) -> PublicKey:
    """Accept RSA of 2048 to 8192 bits, P-256, P-384 and Ed25519.

    :raises Refused: for any other key (``weak-key``).
    """
    match key:
        case rsa.RSAPublicKey():
            return _check_rsa(key)
        case ec.EllipticCurvePublicKey():
            if not isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
                raise Refused(Reason.WEAK_KEY, f"curve {key.curve.name}")
            return key
        case ed25519.Ed25519PublicKey():
            return key
    raise Refused(Reason.WEAK_KEY, type(key).__name__.removesuffix("PublicKey"))


def _check_rsa(key: rsa.RSAPublicKey) -> rsa.RSAPublicKey:
    numbers = key.public_numbers()
    if not _SMALLEST_RSA <= key.key_size <= _LARGEST_RSA:
        raise Refused(Reason.WEAK_KEY, f"RSA with {key.key_size} bits")
    if numbers.e < _EXPONENT or numbers.e % 2 == 0 or numbers.e >= 2**256:
        raise Refused(Reason.WEAK_KEY, "RSA with an unusual exponent")
    if numbers.n % 2 == 0:
        raise Refused(Reason.WEAK_KEY, "RSA with an even modulus")
    return key


def digest_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | None:
    """Return the digest that a key signs with: as strong as the key, none of its own for Ed25519."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size > 256:
        return hashes.SHA384()
    return hashes.SHA256()


def signer(key: PrivateKey) -> Callable[[bytes], bytes]:
    """Return what signs a message with a key, as signatures stand in a certificate."""
    match key:
        case rsa.RSAPrivateKey():
            return partial(key.sign, padding=PKCS1v15(), algorithm=hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            return partial(
                key.sign, signature_algorithm=ec.ECDSA(hashes.SHA384() if key.key_size > 256 else hashes.SHA256())
            )
        case _:
            return key.sign


def signs_slowly(key: PrivateKey) -> bool:
    """Tell whether a signature takes as long as all else that a certificate needs, and lets other threads run."""
    return isinstance(key, rsa.RSAPrivateKey)


def signature_algorithm(key: PrivateKey) -> bytes:
    """Return what a certificate says of its signature by this key: an ``AlgorithmIdentifier``, DER."""
    match key:
        case rsa.RSAPrivateKey():
            return _SHA256_WITH_RSA
        case ec.EllipticCurvePrivateKey():
            return _ECDSA_WITH_SHA384 if key.key_size > 256 else _ECDSA_WITH_SHA256
        case _:
            return _ED25519


def usual_signature(key: PublicKey) -> tuple[bytes, Callable[[bytes, bytes], None]] | None:
    """Return how nearly everybody signs a request with a key of this kind, if one way is usual.

    That is the ``AlgorithmIdentifier``, DER, and what verifies a signature of a message; it raises
    :class:`cryptography.exceptions.InvalidSignature`.
    """
    match key:
        case rsa.RSAPublicKey():
            return _SHA256_WITH_RSA, partial(key.verify, padding=_PKCS1, algorithm=_SHA256)
        case ec.EllipticCurvePublicKey() if key.key_size == 256:
            return _ECDSA_WITH_SHA256, partial(key.verify, signature_algorithm=_ECDSA)
        case _:
            return None


def key_bytes(key: PublicKey) -> bytes:
    """Return the key's SubjectPublicKeyInfo in DER form, by which keys can be compared."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
