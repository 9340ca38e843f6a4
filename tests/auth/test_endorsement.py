"""The core's word for its certificate: fresh enough, and made seldom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pkid.auth.endorsement import Endorsement
from pkid.auth.tokens import TokenSigner, read_token, verify
from tests.certificates import NOON, SALT, signing_key
from tests.support import Case

START = NOON.timestamp()


class EndorsementTests(Case):
    def setUp(self) -> None:
        self.now = START
        self.endorsement = Endorsement(TokenSigner(signing_key(), SALT), lambda: self.now)

    def claims(self, fingerprint: str = "AA:BB") -> Mapping[str, Any]:
        """Return the claims of the token at this time, which is verified."""
        return verify(read_token(self.endorsement.token(fingerprint).encode()), signing_key())

    def test_says_the_fingerprint_for_five_minutes_and_nothing_else(self) -> None:
        self.assertEqual(self.claims(), {"sha256_fingerprint": "AA:BB", "exp": int(START) + 300})

    def test_is_made_again_only_when_half_of_its_time_is_over(self) -> None:
        first = self.endorsement.token("AA:BB")
        self.now = START + 149.9
        self.assertIs(self.endorsement.token("AA:BB"), first)
        self.now = START + 150
        self.assertEqual(self.claims()["exp"], int(START) + 450)

    def test_a_clock_that_was_put_back_makes_a_new_one(self) -> None:
        self.endorsement.token("AA:BB")
        self.now = START - 1
        self.assertEqual(self.claims()["exp"], int(START) + 299)

    def test_another_certificate_gets_a_token_of_its_own_at_once(self) -> None:
        self.assertEqual(self.claims()["sha256_fingerprint"], "AA:BB")
        self.assertEqual(self.claims("CC:DD")["sha256_fingerprint"], "CC:DD")
