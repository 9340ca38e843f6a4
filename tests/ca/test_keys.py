"""Keys: the kinds that the authority makes, and the ones that it accepts."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pkid.ca.keys import KeyType, check_key, digest_for, key_bytes
from pkid.errors import Reason, Refused
from tests.certificates import private_key
from tests.support import Case


def rsa_key(size: int, e: int = 65537, *, even: bool = False) -> rsa.RSAPublicKey:
    """Make a public key of this form at once; nobody has its private half."""
    return rsa.RSAPublicNumbers(e, (1 << size - 1) + (not even)).public_key()


class KeyTypeTests(Case):
    def test_makes_keys_of_its_kind(self) -> None:
        curves = {KeyType.P256: ec.SECP256R1, KeyType.P384: ec.SECP384R1}
        for kind, curve in curves.items():
            key = kind.generate()
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self.assertIsInstance(key.curve, curve)
        self.assertIsInstance(KeyType.ED25519.generate(), ed25519.Ed25519PrivateKey)

    def test_makes_rsa_keys_of_its_size(self) -> None:
        asked: list[tuple[int, int]] = []
        self.patch(rsa, "generate_private_key", lambda *numbers: asked.append(numbers))
        for kind in (KeyType.RSA2048, KeyType.RSA3072, KeyType.RSA4096):
            kind.generate()
        self.assertEqual(asked, [(65537, 2048), (65537, 3072), (65537, 4096)])

    def test_each_makes_a_new_key_each_time(self) -> None:
        one, two = (key_bytes(KeyType.P256.generate().public_key()) for _ in range(2))
        self.assertNotEqual(one, two)


class AcceptanceTests(Case):
    def refused(self, key) -> str:
        """Return what the refusal says of the key."""
        with self.assertRaises(Refused) as caught:
            check_key(key)
        self.assertIs(caught.exception.reason, Reason.WEAK_KEY)
        return str(caught.exception.subject)

    def test_all_own_kinds_are_accepted(self) -> None:
        for kind in (KeyType.P256, KeyType.P384, KeyType.ED25519, KeyType.RSA2048):
            key = private_key(kind).public_key()
            self.assertIs(check_key(key), key)

    def test_other_kinds_are_refused_by_name(self) -> None:
        self.assertEqual(self.refused(ed448.Ed448PrivateKey.generate().public_key()), "Ed448")
        self.assertEqual(self.refused(x25519.X25519PrivateKey.generate().public_key()), "X25519")
        for curve in (ec.SECP521R1(), ec.SECP256K1(), ec.SECP224R1(), ec.BrainpoolP256R1()):
            self.assertEqual(self.refused(ec.generate_private_key(curve).public_key()), f"curve {curve.name}")

    def test_rsa_has_2048_to_8192_bits(self) -> None:
        for size in (2048, 3072, 8192):
            check_key(rsa_key(size))
        for size in (512, 1024, 2047, 8193, 16384):
            self.assertEqual(self.refused(rsa_key(size)), f"RSA with {size} bits")

    def test_rsa_has_a_usual_exponent_and_an_odd_modulus(self) -> None:
        check_key(rsa_key(2048, 2**256 - 1))
        for e in (3, 17, 65535, 2**256 + 1):
            self.assertEqual(self.refused(rsa_key(2048, e)), "RSA with an unusual exponent")
        self.assertEqual(self.refused(rsa_key(2048, even=True)), "RSA with an even modulus")


class DigestTests(Case):
    def test_is_as_strong_as_the_key(self) -> None:
        self.assertIsInstance(digest_for(private_key(KeyType.P256)), hashes.SHA256)
        self.assertIsInstance(digest_for(private_key(KeyType.P384)), hashes.SHA384)
        self.assertIsInstance(digest_for(private_key(KeyType.RSA2048)), hashes.SHA256)
        self.assertIsNone(digest_for(private_key(KeyType.ED25519)))


class KeyBytesTests(Case):
    def test_are_the_subject_public_key_info(self) -> None:
        key = private_key().public_key()
        self.assertEqual(load_der_public_key(key_bytes(key)), key)
