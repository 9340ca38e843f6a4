"""A component believes the core's word for a CA certificate only if its key proves it, now."""

from __future__ import annotations

from typing import Any

from pkid.auth import component
from pkid.auth.component import (
    ExpiredEndorsement,
    FingerprintMismatch,
    NoEndorsement,
    WrongPreSharedKey,
    bound_token,
    check_endorsement,
)
from pkid.auth.endorsement import Endorsement
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import TokenSigner
from pkid.ca.trust import TrustError, fingerprint
from tests.auth.case import BINDING, OLDER, STRANGER, CheckerCase
from tests.certificates import NOON, PSK, SALT, make_token, signing_key
from tests.support import Case

NOW = NOON.timestamp()
RIGHT, WRONG = fingerprint(b"right"), fingerprint(b"wrong")


def token(claims: dict[str, Any] | None = None, seconds: float | None = 300, psk: PreSharedKey = PSK) -> bytes:
    """Make a token that vouches for :data:`RIGHT`, with some claims changed."""
    return make_token({"sha256_fingerprint": RIGHT, **(claims or {})}, expires_at=seconds and NOW + seconds, psk=psk)


class EndorsementTests(Case):
    def setUp(self) -> None:
        self.derived = 0
        self.patch(component, "derive_key", self.derive)

    def derive(self, secret: str, salt: bytes) -> bytes:
        self.derived += 1
        return signing_key(secret, salt)

    def check(self, *tokens: bytes, now: float = NOW) -> None:
        check_endorsement(tokens, PSK.secret, RIGHT, now)

    def refused(self, error: type[TrustError], *tokens: bytes) -> None:
        with self.assertRaises(error) as caught:
            self.check(*tokens)
        self.assertIs(type(caught.exception), error)
        self.assertNotIn(PSK.secret, str(caught.exception))

    def test_the_cores_own_word_is_believed(self) -> None:
        signer = TokenSigner(signing_key(), SALT)
        self.check(Endorsement(signer, lambda: NOW).token(RIGHT).encode())

    def test_without_a_token_there_is_no_trust(self) -> None:
        self.refused(NoEndorsement)

    def test_a_token_of_another_key_or_none_at_all_is_not_believed(self) -> None:
        for other in (token(psk=STRANGER), b"", b"a.b.c", token()[:-2]):
            self.refused(WrongPreSharedKey, other)

    def test_a_token_that_vouches_for_nothing_is_not_believed(self) -> None:
        for claims in ({"sha256_fingerprint": None}, {"sha256_fingerprint": [RIGHT]}):
            self.refused(NoEndorsement, token(claims))
        self.refused(NoEndorsement, make_token({}, expires_at=NOW + 300))

    def test_a_token_for_another_certificate_is_not_believed(self) -> None:
        for other in (WRONG, RIGHT.lower(), RIGHT[:-3], "", "\ud800"):
            self.refused(FingerprintMismatch, token({"sha256_fingerprint": other}))

    def test_an_old_token_is_not_believed_beyond_a_minute_of_skew(self) -> None:
        self.check(token(seconds=-59))
        for seconds in (-60, 3661, float("inf"), float("nan"), None):
            self.refused(ExpiredEndorsement, token(seconds=seconds))
        self.refused(ExpiredEndorsement, token({"exp": True}, None))

    def test_a_token_from_the_future_is_not_believed_beyond_a_minute_of_skew(self) -> None:
        for claim in ("iat", "nbf"):
            self.check(token({claim: NOW + 60}))
            self.refused(ExpiredEndorsement, token({claim: NOW + 61}))
            for odd in ("now", True):
                self.refused(ExpiredEndorsement, token({claim: odd}))

    def test_one_good_token_among_others_suffices(self) -> None:
        """While keys are rotated, the answer holds one token for each."""
        self.check(token(psk=OLDER), b"garbage", token(seconds=-100), token({"sha256_fingerprint": WRONG}), token())

    def test_few_tokens_are_tried(self) -> None:
        self.check(*[token(psk=OLDER)] * 7, token())
        self.derived = 0
        self.refused(WrongPreSharedKey, *[token(psk=OLDER)] * 16, token())
        self.assertEqual(self.derived, 16)


class BoundTokenTests(CheckerCase):
    def test_the_core_admits_it_once_for_its_request(self) -> None:
        self.use(strict=True)
        self.now += 0.25
        encoded = bound_token(TokenSigner(signing_key(), SALT), BINDING, "1", self.now).encode()
        self.assertEqual(self.admitted(encoded).credential, f"psk:{PSK.name}")
        self.refused(encoded)
