"""Tokens: the seeds' wire form, and what stands in a token of pkid's own."""

from __future__ import annotations

import base64
import hashlib
import json

import jwt

from pkid.auth.tokens import (
    SALT_SIZE,
    Binding,
    TokenSigner,
    body_digest,
    check_binding,
    check_claims,
    derive_key,
    is_bound,
    read_token,
    verify,
)
from pkid.errors import Reason, Refused
from tests.certificates import NOON, SALT, handmade_token, make_token, signing_key
from tests.support import Case

DOCUMENTED = (
    b"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsInNhbHQiOiJuSVEzU3M5TGVNS1JHYUNQUEJxMnlBPT0ifQ"
    b".eyJleHAiOjE2NDkzNzI1MTR9.KXAmijfSsV-taO3890qJNzXKXng1u38eU6PTrDYTgVs"
)
"""A token from the documentation of the Fix Inventory, signed with ``changeme``."""

EXPIRY = 1649372514


class DocumentedTokenTests(Case):
    def test_the_header(self) -> None:
        header = json.loads(base64.urlsafe_b64decode(DOCUMENTED.split(b".")[0] + b"=="))
        self.assertEqual(header, {"typ": "JWT", "alg": "HS256", "salt": "nIQ3Ss9LeMKRGaCPPBq2yA=="})
        token = read_token(DOCUMENTED)
        self.assertEqual(token.salt, base64.b64decode("nIQ3Ss9LeMKRGaCPPBq2yA=="))
        self.assertIsNone(token.key_id)

    def test_the_signature_and_the_payload(self) -> None:
        token = read_token(DOCUMENTED)
        self.assertEqual(verify(token, derive_key("changeme", token.salt)), {"exp": EXPIRY})
        with self.assertRaises(Refused):
            verify(token, signing_key("changeme!", token.salt))

    def test_the_payload_is_one_object_of_json_in_utf_8(self) -> None:
        header, key = b'{"alg":"HS256","salt":"%b"}' % base64.b64encode(SALT), signing_key()
        for good in (b'{"exp":1}', b' {"exp":1}\r\n\t', '{"exp":1,"sub":"\u00e9"}'.encode()):
            self.assertEqual(verify(read_token(handmade_token(header, good, key)), key)["exp"], 1)
        bad = b'{"exp":1}x', b'{"exp":1}{}', b"[1]", b"1", b"", b" ", b"\xff", '{"exp":1}'.encode("utf-16"), b"[" * 4000
        for payload in bad:
            with self.assertRaises(Refused):
                verify(read_token(handmade_token(header, payload, key)), key)

    def test_is_expired_from_its_second_on(self) -> None:
        claims = {"exp": EXPIRY}
        check_claims(claims, EXPIRY - 0.001)
        for now in (EXPIRY, EXPIRY + 1, NOON.timestamp()):
            with self.assertRaises(Refused) as caught:
                check_claims(claims, now)
            self.assertIs(caught.exception.reason, Reason.UNAUTHORIZED)


class DerivationTests(Case):
    def test_is_pbkdf2_with_sha256_and_100_000_rounds(self) -> None:
        for secret in ("changeme", "Schlüssel 鍵"):
            expected = hashlib.pbkdf2_hmac("sha256", secret.encode(), SALT, 100_000, 32)
            self.assertEqual(derive_key(secret, SALT), expected)


class SignerTests(Case):
    def test_signs_what_it_reads(self) -> None:
        signer = TokenSigner(signing_key(), SALT)
        encoded = signer.sign({"x": 1, "exp": 5}, int(NOON.timestamp()) + 300).encode()
        token = read_token(encoded)
        self.assertEqual(token.salt, SALT)
        self.assertEqual(verify(token, signing_key()), {"x": 1, "exp": NOON.timestamp() + 300})

    def test_the_salt_is_in_standard_base64_with_padding(self) -> None:
        salt = b"\xfb\xff\xfe" * 5 + b"\xff"
        header = jwt.get_unverified_header(TokenSigner(bytes(32), salt).sign({}, 1))
        self.assertEqual(header, {"alg": "HS256", "typ": "JWT", "salt": "+//++//++//++//++//+/w=="})
        self.assertEqual(SALT_SIZE, 16)

    def test_only_the_same_key_verifies(self) -> None:
        token = read_token(TokenSigner(signing_key(), SALT).sign({}, 1).encode())
        for key in (bytes(32), signing_key()[::-1], signing_key("another secret")):
            self.assertRaises(Refused, verify, token, key)

    def test_nothing_shows_a_key_or_a_token(self) -> None:
        signer = TokenSigner(b"the very secret key that it holds", SALT)
        encoded = signer.sign({}, 1)
        self.assertNotIn("very secret", repr(signer))
        self.assertNotIn(encoded[-20:], repr(read_token(encoded.encode())))

    def test_a_refusal_says_nothing_of_the_token(self) -> None:
        encoded = make_token({"x": "private"})
        for key in (bytes(32), b""):
            with self.assertRaises(Refused) as caught:
                verify(read_token(encoded), key)
            self.assertEqual(str(caught.exception), Reason.UNAUTHORIZED.sentence)
            self.assertIsNone(caught.exception.__cause__)


class DigestTests(Case):
    def test_is_base64url_without_padding(self) -> None:
        self.assertEqual(body_digest(b""), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")


class BindingTests(Case):
    binding = Binding("GET", "/", body_digest(b""))

    def claims(self) -> dict[str, object]:
        return {"htm": "GET", "htp": "/", "htd": body_digest(b""), "jti": "1", "iat": 100, "exp": 220}

    def test_returns_the_identifier(self) -> None:
        self.assertEqual(check_binding(self.claims(), self.binding, started_at=100, now=100), "1")

    def test_from_before_the_start(self) -> None:
        with self.assertRaises(Refused):
            check_binding(self.claims(), self.binding, started_at=100.001, now=101)

    def test_from_the_future(self) -> None:
        check_binding(self.claims(), self.binding, started_at=0, now=99)
        with self.assertRaises(Refused):
            check_binding(self.claims(), self.binding, started_at=0, now=98.999)

    def test_a_token_claims_to_be_bound_by_any_of_the_three(self) -> None:
        self.assertFalse(is_bound({"jti": "1", "iat": 1, "exp": 2}))
        for claim in ("htm", "htp", "htd"):
            self.assertTrue(is_bound({claim: None}))
