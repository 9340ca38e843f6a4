"""Headers for scripts: what they prove, and how they are checked."""

from __future__ import annotations

import time
from typing import Any

from pkid import jwt
from pkid.auth.tokens import check_claims, derive_key, read_token, verify
from pkid.errors import Refused
from pkid.jwt import decode_jwt_from_headers, encode_jwt_to_headers, token_signer
from tests.certificates import NOON, PSK, SALT, make_token, signing_key
from tests.support import Case

NOW = NOON.timestamp()


class EncodeTests(Case):
    def setUp(self) -> None:
        self.patch(time, "time", lambda: NOW + 0.5)

    def claims(self, headers: dict[str, str]) -> Any:
        scheme, encoded = headers["Authorization"].split(" ")
        self.assertEqual(scheme, "Bearer")
        token = read_token(encoded.encode())
        return verify(token, derive_key(PSK.secret, token.salt))

    def test_the_documented_call_gives_one_header_that_the_core_accepts(self) -> None:
        headers = encode_jwt_to_headers(http_headers={}, payload={}, psk=PSK.secret, expire_in=3600)
        self.assertEqual(list(headers), ["Authorization"])
        claims = self.claims(headers)
        self.assertEqual(claims, {"exp": NOW + 3600})
        check_claims(claims, NOW)

    def test_it_is_good_for_five_minutes_unless_told_otherwise(self) -> None:
        self.assertEqual(self.claims(encode_jwt_to_headers({}, {"x": 1}, PSK.secret)), {"x": 1, "exp": NOW + 300})

    def test_other_headers_stay_and_an_older_credential_goes(self) -> None:
        given = {"X-Name": "value", "authorization": "Basic eA=="}
        headers = encode_jwt_to_headers(given, {}, PSK.secret)
        self.assertEqual(sorted(headers), ["Authorization", "X-Name"])
        self.assertEqual(given, {"X-Name": "value", "authorization": "Basic eA=="})

    def test_times_that_the_core_refuses_are_refused_here(self) -> None:
        for seconds in (0, -1, 3601):
            with self.assertRaisesRegex(ValueError, "use 1 to 3600"):
                encode_jwt_to_headers({}, {}, PSK.secret, seconds)

    def test_an_empty_key_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "the pre-shared key is empty"):
            encode_jwt_to_headers({}, {}, "")

    def test_one_salt_serves_the_process_and_another_process_has_another(self) -> None:
        self.assertIs(token_signer(PSK.secret), token_signer(PSK.secret))
        salt = token_signer(PSK.secret).salt
        token_signer.cache_clear()
        self.assertEqual(len(salt), 16)
        self.assertNotEqual(token_signer(PSK.secret).salt, salt)


class DecodeTests(Case):
    def setUp(self) -> None:
        self.patch(time, "time", lambda: NOW)
        self.patch(jwt, "derive_key", signing_key)

    def decode(self, value: str, name: str = "Authorization") -> dict[str, Any] | None:
        return decode_jwt_from_headers({"X-Name": "value", name: value}, PSK.secret)

    def bearer(self, claims: dict[str, Any], seconds: float = 300, secret: str = PSK.secret) -> str:
        encoded = make_token(claims, expires_at=NOW + seconds, psk=type(PSK)("default", secret), salt=SALT)
        return f"Bearer {encoded.decode()}"

    def test_what_was_encoded_is_decoded(self) -> None:
        self.patch(jwt, "derive_key", derive_key)
        headers = encode_jwt_to_headers({}, {"x": 1}, PSK.secret, 60)
        self.assertEqual(decode_jwt_from_headers(headers, PSK.secret), {"x": 1, "exp": NOW + 60})

    def test_the_names_case_and_the_schemes_do_not_matter(self) -> None:
        value = self.bearer({}).replace("Bearer", "bEARER")
        self.assertEqual(self.decode(value, "authorization"), {"exp": NOW + 300})

    def test_without_a_bearer_token_there_is_nothing(self) -> None:
        self.assertIsNone(decode_jwt_from_headers({}, PSK.secret))
        self.assertIsNone(self.decode("Basic eA=="))

    def test_what_the_core_would_refuse_is_refused(self) -> None:
        for value in (
            self.bearer({}, secret="nobody knows this key here"),
            self.bearer({}, seconds=0),
            self.bearer({"sha256_fingerprint": "reflected"}),
            self.bearer({}).replace(" ", "  "),
            "Bearer \ud800",
        ):
            self.assertRaises(Refused, self.decode, value)
