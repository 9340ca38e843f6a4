"""The plain forms, against proofs that the original clients gave."""

from __future__ import annotations

import base64
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import example, given
from hypothesis import strategies as st

from pkid.auth.plain import challenge_and_text, plain_scheme_of, secret_digest, verify_digest, verify_plain
from pkid.auth.schemes import Scheme
from pkid.ca.keys import KeyType, PublicKey, check_key
from pkid.errors import Refused
from tests.certificates import private_key
from tests.support import Case

CHALLENGE = bytes.fromhex("01a2b3c4")
RSA_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAk6Ht+pSUBSt9cpAj5U/wXyNYTndTe5l2y9N7Crcb2ywy/in68fXJ"
    "TwEhfo36ytn1JgUttdiD0YuCuWBRTNh8+M7l2uMtiiQnW3ucp53gvPoMvuxgIxc0djZM++ywnOyh/hC/wqS8ug7ECw+h6K00"
    "ie0R0VMzI3b549jRjfI1vCIxZ2tCJO1+vHEozwjkdBNx8aBsKjBy0GCHgrrQrI5wNES1oDQ63sk4jM+kpggVF1HoSDbOiQa8"
    "3kjZDuM3nHjZhr0QIkQ40D0Dc7nT8U/FD+wlx+8GjDQ1+qCUt8eQ0NlXHEATRzLnDolpMbakwEJLSgOdC2TGYe3lsR3jULDZ"
    "yQIDAQAB"
)
RSA_SIGNATURE = bytes.fromhex(
    "703b4595a2292e7dbf050129d519191b4d4f6599f8866d2deea5821ac7f042dae364a6041314f4b53e244a568ce1fc19"
    "0bfc0ae82f9b9cc53b181d37cf3885a87e0d120b9d7642b3c7a37c87db38acc5acf516a7b0fa0eaba10014ec4aa838a8"
    "5b83667b58f9de91ad0a1ee462fc63b048e4b673b3974596cf96e2aa17dc096f78bdf87d8b91e2b874cc824b0ea610c1"
    "da9865c17c58ca9cd9c8ed9d3ae51e2d3f5e789fb95275d84272280d4b2f4bc5b3a404aba06b8c6a7766fb7c0f840fae"
    "f840e94db869a5eacd72cc7401127b7fd96db5214f9270cf56546ca98cc365528868b8ef2baecacb2ebe17d855f3d9e8"
    "c038b5c05da47d9669b95b7ca2e274d2"
)
ECDSA_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/GScrCUl+uviWZ2bhhtmDHZ15HOVko2IpDNR/+FNKLVrdcjkfVbfWJZ5CXBP"
    "oQRS6vOOEqN5O0CCBfNv5bJYXg=="
)
ECDSA_SIGNATURE = bytes.fromhex(
    "3046022100aa6d8c626b98e083ba10218e1d6dc4f14696cebd4b4002ace397cf2bf971db0e02210094ed526872fecb07"
    "5a7aa8fa014bade5598c96bda49ecbde5f8dc8fe5dc1139f"
)
SECRET_DIGEST = bytes.fromhex("e2b46f48d29720fba63707adface9b11c439b54465f68a0d36ab49c554304cba")


def public_key(der: str) -> PublicKey:
    """Read a recorded key."""
    return check_key(load_der_public_key(base64.b64decode(der)))  # type: ignore[arg-type]


RECORDED = ((public_key(RSA_KEY), RSA_SIGNATURE), (public_key(ECDSA_KEY), ECDSA_SIGNATURE))


class PlainSignatureTests(Case):
    """A signature over the challenge and the name."""

    def test_what_is_signed_is_what_the_originals_sign(self) -> None:
        self.assertEqual(challenge_and_text(CHALLENGE, "alice").hex(), "824401a2b3c465616c696365")

    def test_the_originals_signatures_are_accepted(self) -> None:
        for key, signature in RECORDED:
            verify_plain(key, CHALLENGE, "alice", signature)

    def test_another_challenge_name_or_signature_is_refused(self) -> None:
        for key, signature in RECORDED:
            self.assertRaises(Refused, verify_plain, key, b"\1\2\3\4", "alice", signature)
            self.assertRaises(Refused, verify_plain, key, CHALLENGE, "alicf", signature)
            self.assertRaises(Refused, verify_plain, key, CHALLENGE, "alice", signature[:-1] + b"?")
            self.assertRaises(Refused, verify_plain, key, CHALLENGE, "alice", b"")

    def test_a_key_of_another_kind_proves_nothing(self) -> None:
        for kind in (KeyType.ED25519, KeyType.P384):
            key = private_key(kind)
            self.assertIsNone(plain_scheme_of(key.public_key()))
            message = challenge_and_text(CHALLENGE, "alice")
            signature = (
                key.sign(message, ec.ECDSA(hashes.SHA256()))
                if isinstance(key, ec.EllipticCurvePrivateKey)
                else key.sign(message)  # type: ignore[call-arg]
            )
            self.assertRaises(Refused, verify_plain, key.public_key(), CHALLENGE, "alice", signature)

    def test_each_key_has_its_scheme(self) -> None:
        schemes = [plain_scheme_of(key) for key, _ in RECORDED]
        self.assertEqual(schemes, [Scheme.PLAIN_RSA, Scheme.PLAIN_ECDSA])


class PlainSecretTests(Case):
    """A digest of the challenge and a secret."""

    def test_the_originals_digest_is_accepted(self) -> None:
        self.assertEqual(secret_digest(CHALLENGE, "mypassword"), SECRET_DIGEST)
        verify_digest("mypassword", CHALLENGE, SECRET_DIGEST)

    def test_another_challenge_secret_or_digest_is_refused(self) -> None:
        self.assertRaises(Refused, verify_digest, "mypassword", b"\1\2\3\4", SECRET_DIGEST)
        self.assertRaises(Refused, verify_digest, "mypasswore", CHALLENGE, SECRET_DIGEST)
        for wrong in (b"", SECRET_DIGEST[:-1], SECRET_DIGEST + b"\0", sha256(CHALLENGE + b"mypassword").digest()):
            self.assertRaises(Refused, verify_digest, "mypassword", CHALLENGE, wrong)

    @given(st.binary(max_size=300), st.text(max_size=300))
    @example(bytes(23), "a" * 24)
    @example(bytes(255), "a" * 256)
    def test_challenge_and_secret_can_be_told_apart(self, challenge: bytes, secret: str) -> None:
        encoded, text = challenge_and_text(challenge, secret), secret.encode()
        self.assertEqual(encoded[:1], b"\x82")
        self.assertEqual(encoded[1:], item(2, challenge) + item(3, text))


def item(major: int, content: bytes) -> bytes:
    """Write one item by the table of RFC 8949, appendix B."""
    size = len(content)
    if size <= 23:
        return bytes([major * 32 + size]) + content
    if size <= 255:
        return bytes([major * 32 + 24, size]) + content
    return bytes([major * 32 + 25, size // 256, size % 256]) + content
