"""The core's word for its certificate: fresh enough, and made seldom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pkid.auth.endorsement import Endorsement, Endorsements
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey, Terms
from pkid.auth.tokens import TokenSigner, read_token, verify
from tests.certificates import NOON, PSK, SALT, signing_key
from tests.support import Case

START = NOON.timestamp()


class EndorsementTests(Case):
    def setUp(self) -> None:
        self.now = START
        self.endorsement = Endorsement(TokenSigner(signing_key(), SALT), lambda: self.now)

    def claims(self) -> Mapping[str, Any]:
        """Return the claims of the token at this time, which is verified."""
        return verify(read_token(self.endorsement.token("AA:BB").encode()), signing_key())

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

    def test_another_fingerprint_is_said_at_once(self) -> None:
        first = self.endorsement.token("AA:BB")
        self.assertNotEqual(self.endorsement.token("CC:DD"), first)
        self.assertEqual(self.claims()["sha256_fingerprint"], "AA:BB")

    def test_a_token_does_not_outlive_its_key(self) -> None:
        self.endorsement = Endorsement(TokenSigner(signing_key(), SALT), lambda: self.now, START + 10)
        self.assertEqual(self.claims()["exp"], int(START) + 10)


class EndorsementsTests(Case):
    def setUp(self) -> None:
        self.now = START
        self.ending = PreSharedKey("ending", "a pre-shared key that ends", Terms(expires=NOON + timedelta(seconds=10)))
        self.keyring = Keyring([PSK, self.ending], lambda: self.now)
        self.endorsements = Endorsements(self.keyring, lambda: self.now)
        self.sign_with(PSK, self.ending)

    def sign_with(self, *psks: PreSharedKey) -> None:
        signers = {psk: TokenSigner(signing_key(psk.secret), SALT, psk.name) for psk in psks}
        self.endorsements.exchange(signers)

    def names(self) -> list[str | None]:
        """Return whose tokens there are; each verifies with its own key."""
        keys = {psk.name: signing_key(psk.secret) for psk in (PSK, self.ending)}
        tokens = [read_token(each.encode()) for each in self.endorsements.tokens("AA:BB")]
        for token in tokens:
            self.assertEqual(verify(token, keys[str(token.key_id)])["sha256_fingerprint"], "AA:BB")
        return [token.key_id for token in tokens]

    def test_the_bootstrap_key_comes_first_until_its_end(self) -> None:
        self.now = START + 9.9
        self.assertEqual(self.names(), ["ending", "default"])
        self.now = START + 10
        self.assertEqual(self.names(), ["default"])

    def test_one_key_alone(self) -> None:
        (token,) = self.endorsements.tokens_of(self.ending, "AA:BB")
        self.assertEqual(read_token(token.encode()).key_id, "ending")
        self.now = START + 10
        self.assertEqual(self.endorsements.tokens_of(self.ending, "AA:BB"), [])
        self.assertEqual(len(self.endorsements.tokens_of(PSK, "AA:BB")), 1)

    def test_what_is_exchanged_signs_nothing_more(self) -> None:
        self.sign_with(PSK)
        self.assertEqual(self.names(), ["default"])
        self.sign_with(PSK, self.ending)
        self.keyring.exchange([self.ending])
        self.assertEqual(self.names(), ["ending"])
        self.assertEqual(self.endorsements.tokens_of(PSK, "AA:BB"), [])

    def test_asking_again_signs_nothing_anew(self) -> None:
        first = self.endorsements.tokens("AA:BB")
        again = self.endorsements.tokens("AA:BB")
        self.assertTrue(all(one is other for one, other in zip(first, again, strict=True)))
