"""Credentials of names that have none, so that a stranger cannot tell by the challenge which names exist.

A name's decoy is always the same, because it is made of the name and a key that only the core has. Nobody can prove
anything by it, and a proof that fits one is refused all the same, because it stands in no keyring.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pkid.auth.component_keyring import Material, SharedSecret, StoredCredential
from pkid.auth.schemes import Scheme
from pkid.auth.scram import DEFAULT_ITERATIONS, ScramVerifier

__all__ = ["Decoys"]

_RSA_SIZE = 256  # bytes
_SALT_SIZE = 16  # bytes


class Decoys:
    """Makes decoys that look like the credentials in use.

    :param key: 32 random bytes; with another key every name gets another decoy, so keep it.
    :param schemes: the schemes to share out, each as often as it occurs: those of the true credentials, best.
    :param salt_size: bytes of the salts of true SCRAM verifiers; *iterations* likewise.
    """

    def __init__(
        self,
        key: bytes,
        schemes: Sequence[Scheme] = (Scheme.SCRAM_PLUS, Scheme.ED25519),
        salt_size: int = _SALT_SIZE,
        iterations: int = DEFAULT_ITERATIONS,
    ) -> None:
        self._key = key
        self._schemes = tuple(schemes)
        self._salt_size = salt_size
        self._iterations = iterations

    @classmethod
    def like(cls, key: bytes, credentials: Iterable[StoredCredential]) -> Decoys:
        """Return decoys that look like the credentials that there are, or like usual ones if there are none.

        :param key: as above.
        """
        stored = list(credentials)
        schemes = sorted({credential.schemes[0] for credential in stored}, key=lambda scheme: scheme.value)
        passwords = [each.material for each in stored if isinstance(each.material, ScramVerifier)]
        if not schemes:
            return cls(key)
        if not passwords:
            return cls(key, schemes)
        return cls(key, schemes, len(passwords[0].salt), passwords[0].iterations)

    def credential(self, component: str) -> StoredCredential:
        """Return a name's decoy."""
        secret = hmac.digest(self._key, component.encode("utf-8"), "sha256")
        scheme = self._schemes[int.from_bytes(_bytes(secret, b"scheme", 8), "big") % len(self._schemes)]
        return StoredCredential("", component, self._material(scheme, secret))

    def _material(self, scheme: Scheme, secret: bytes) -> Material:
        number = int.from_bytes(_bytes(secret, b"key", _RSA_SIZE), "big")
        match scheme:
            case Scheme.SCRAM | Scheme.SCRAM_PLUS:
                keys = _bytes(secret, b"stored", 32), _bytes(secret, b"server", 32)
                return ScramVerifier(_bytes(secret, b"salt", self._salt_size), self._iterations, *keys)
            case Scheme.ECDSA_P256:
                return ec.derive_private_key(number % (1 << 255) + 1, ec.SECP256R1()).public_key()
            case Scheme.ECDSA_P384:
                return ec.derive_private_key(number % (1 << 383) + 1, ec.SECP384R1()).public_key()
            case Scheme.PLAIN_SECRET:
                return SharedSecret(_bytes(secret, b"key", 32).hex())
            case Scheme.RSA_PSS:  # nobody sees the modulus, so it need not be a product of two primes
                return rsa.RSAPublicNumbers(65537, number | 1 << (8 * _RSA_SIZE - 1) | 1).public_key()
            case _:
                return ed25519.Ed25519PrivateKey.from_private_bytes(_bytes(secret, b"key", 32)).public_key()


def _bytes(secret: bytes, purpose: bytes, size: int) -> bytes:
    return HKDFExpand(hashes.SHA256(), size, purpose).derive(secret)
