"""What a token may be that nobody accepts: each is refused, and nothing else happens."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.cred.error import UnauthorizedLogin

from pkid.auth.endorsement import Endorsement
from pkid.auth.tokens import TokenSigner
from pkid.ca.keys import KeyType
from tests.auth.case import STRANGER, CheckerCase
from tests.certificates import SALT, handmade_token, make_token, private_key, signing_key

PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)
HEADER = json.dumps({"alg": "HS256", "typ": "JWT", "salt": base64.b64encode(SALT).decode()}).encode()


class TokenRefusalTests(CheckerCase):
    def test_a_wrong_key(self) -> None:
        self.refused(self.token(psk=STRANGER))

    def test_the_token_of_an_open_answer(self) -> None:
        signer = TokenSigner(signing_key(), SALT)
        token = Endorsement(signer, lambda: self.now).token("AA:BB").encode()
        self.assertEqual(jwt.decode(token, options={"verify_signature": False})["sha256_fingerprint"], "AA:BB")
        self.refused(token)
        self.refused(self.token(claims={"sha256_fingerprint": None}))
        self.refused(self.bound(sha256_fingerprint="AA:BB"))

    def test_claims_that_are_for_others_or_of_the_wrong_type(self) -> None:
        wrong: list[dict[str, Any]] = [
            {"aud": "x"}, {"aud": None}, {"sub": 5}, {"sub": None}, {"nbf": None}, {"nbf": "0"}, {"nbf": True},
            {"iat": None}, {"iat": []}, {"iat": False}, {"exp": True}, {"exp": str(self.now)}, {"exp": [self.now]},
            {"email": "a@b.c"}, {"email": "a@b.c", "roles": ["admin"]}, {"email": "a@b.c", "roles": None},
        ]  # fmt: skip
        for claims in wrong:
            self.refused(make_token({"exp": self.now + 300, **claims}))

    def test_numbers_that_are_none(self) -> None:
        for claim in (b"exp", b"nbf", b"iat"):
            for number in (
                b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"9" * 400, b"9" * 5000, b"true", b"null",
            ):  # fmt: skip
                others = b'"exp":%d,' % (self.now + 300) if claim != b"exp" else b""
                payload = b"{" + others + b'"' + claim + b'":' + number + b"}"
                self.refused(handmade_token(HEADER, payload, signing_key()))

    def test_headers_that_are_none_of_ours(self) -> None:
        headers: list[dict[str, Any]] = [
            {"alg": "none"}, {"alg": "HS512"}, {"alg": "RS256"}, {"alg": "hs256"}, {"alg": None}, {"alg": 5},
            {"alg": ["HS256"]}, {"salt": None}, {"salt": ""}, {"salt": 5}, {"salt": True}, {"salt": ["a"]},
            {"salt": "!!!"}, {"salt": "é"}, {"salt": "AAECAwQFBgcICQoLDA0ODw"}, {"salt": "_-_-_-_-_-_-_-_-"},
            {"salt": base64.b64encode(bytes(7)).decode()}, {"salt": base64.b64encode(bytes(65)).decode()},
            {"kid": 5}, {"kid": ["default"]}, {"kid": "nobody"}, {"kid": ""}, {"kid": "é"}, {"kid": "default "},
            {"crit": ["exp"], "exp": 1}, {"crit": ["b64"], "b64": False}, {"crit": "salt"}, {"b64": False},
        ]  # fmt: skip
        for header in headers:
            self.refused(self.token(header=header))

    def test_salts_of_8_to_64_bytes(self) -> None:
        for size in (8, 64):
            self.admitted(self.token(salt=bytes(size)))

    def test_no_algorithm_and_no_signature(self) -> None:
        header, payload, _ = self.token(header={"alg": "none"}).split(b".")
        self.refused(header + b"." + payload + b".")

    def test_a_token_that_a_private_key_signed(self) -> None:
        key = private_key(KeyType.RSA2048)
        assert isinstance(key, RSAPrivateKey)
        self.refused(jwt.encode({"exp": self.now + 300}, key, algorithm="RS256").encode())

    def test_another_signature_or_other_content(self) -> None:
        header, payload, signature = self.token().split(b".")
        other = self.token(seconds=299).split(b".")
        for segments in (
            (header, other[1], signature), (header, payload, other[2]), (header, payload, b""),
            (header, b"", signature),
            (b"", payload, signature), (header, payload), (header, payload, signature, b""), (b"", b"", b""), (b"",),
            (header, payload, signature[:-4]), (b" " + header, payload, signature), (header, payload, signature + b" "),
            (header, payload, signature + b"="), (header, payload + b"=", signature),
            (header, payload, signature + b"\n"), (header, payload, b"\xff" + signature),
            (header, payload, "é".encode() + signature), (header, payload, signature + b"A" * 8192),
        ):  # fmt: skip
            self.refused(b".".join(segments))

    def test_members_given_twice_count_once_and_the_last_one_counts(self) -> None:
        twice = HEADER.replace(b"{", b'{"alg": "none", ', 1)
        payload = b'{"exp": 1, "exp": %d}' % (self.now + 300)
        self.admitted(handmade_token(twice, payload, signing_key()))
        self.refused(handmade_token(HEADER, b'{"exp": %d, "exp": 1}' % (self.now + 300), signing_key()))

    def test_structures_that_are_not_an_object_or_nested_deeply(self) -> None:
        good = b'{"exp": %d}' % (self.now + 300)
        for content in (
            b"", b"[]", b"1", b'"a"', b"null", b"{", b"\xff", b"[" * 5000, b'{"a":' * 1000, b'{"exp":' + b"[" * 3000,
        ):  # fmt: skip
            self.refused(handmade_token(HEADER, content, signing_key()))
            self.refused(handmade_token(content, good, signing_key()))

    def test_more_than_8_kib(self) -> None:
        def sized(size: int) -> bytes:
            return self.token(claims={"x": "x" * size})

        size = next(size for size in range(5900, 6200) if len(sized(size)) > 8192)
        self.admitted(sized(size - 1))
        self.refused(sized(size))
        self.assertEqual(self.derived, 1)


class AnyTokenTests(CheckerCase):
    @PROPERTY
    @given(st.binary(max_size=300))
    def test_any_bytes(self, content: bytes) -> None:
        self.refused(content)

    @PROPERTY
    @given(st.binary(max_size=60), st.binary(max_size=60))
    def test_any_signed_bytes(self, header: bytes, payload: bytes) -> None:
        self.refused(handmade_token(header, payload, signing_key()))
        self.refused(handmade_token(HEADER, payload, signing_key()))

    @PROPERTY
    @given(st.data())
    def test_signed_claims_of_any_type_are_admitted_or_refused(self, data: st.DataObject) -> None:
        scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
        values = scalars | st.lists(scalars, max_size=2) | st.floats(self.now, self.now + 100)
        names = st.sampled_from(["exp", "nbf", "iat", "jti", "sub", "aud", "htm", "htp", "htd", "email", "roles"])
        claims = data.draw(st.dictionaries(names, values))
        headers = data.draw(st.dictionaries(st.sampled_from(["kid", "salt", "alg", "typ", "crit", "b64"]), values))
        token = make_token({"exp": self.now + 100, **claims}, header=headers if data.draw(st.booleans()) else {})
        self.assertIn(self.outcome(token), ["admitted", "refused"])

    @PROPERTY
    @given(st.integers(0, 10_000), st.integers(0, 3), st.binary(max_size=3))
    def test_any_change_of_a_good_token(self, place: int, length: int, piece: bytes) -> None:
        token = self.token()
        place %= len(token)
        self.assertIn(self.outcome(token[:place] + piece + token[place + length :]), ["admitted", "refused"])

    def outcome(self, token: bytes) -> str:
        outcomes: list[str] = []
        self.ask(token).addCallbacks(
            lambda _: outcomes.append("admitted"),
            lambda failure: outcomes.append("refused" if failure.check(UnauthorizedLogin) else failure.getTraceback()),
        )
        return outcomes[0]
