"""What every keyring of components promises, as a case to inherit from; it stands apart, so that it is not run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

from pkid.auth.component_keyring import ComponentKeyring, SharedSecret, StoredCredential
from pkid.errors import Refused
from tests.auth.logins import outcome
from tests.certificates import NOON
from tests.support import Case

SECRET = StoredCredential("1", "alice", SharedSecret("hush hush"))


class KeyringContract(Case):
    """The promises. A subclass sets ``keyring`` before each test."""

    keyring: ComponentKeyring

    def identifiers(self, component: str) -> list[str]:
        return [credential.identifier for credential in outcome(self.keyring.find(component))]

    def test_a_name_has_several_the_newest_first(self) -> None:
        for identifier, component in (("1", "alice"), ("2", "bob"), ("3", "alice")):
            outcome(self.keyring.add(replace(SECRET, identifier=identifier, component=component)))
        self.assertEqual(self.identifiers("alice"), ["3", "1"])
        self.assertEqual(self.identifiers("al"), [])
        self.assertEqual([c.component for c in outcome(self.keyring.list())], ["alice", "alice", "bob"])

    def test_what_is_revoked_is_gone(self) -> None:
        outcome(self.keyring.add(SECRET))
        self.assertTrue(outcome(self.keyring.revoke("1")))
        self.assertFalse(outcome(self.keyring.revoke("1")))
        self.assertEqual(self.identifiers("alice"), [])

    def test_expired_ones_still_stand_for_the_name(self) -> None:
        outcome(self.keyring.add(replace(SECRET, expires=NOON - timedelta(days=1))))
        self.assertEqual(self.identifiers("alice"), ["1"])

    def test_uses_are_noted(self) -> None:
        outcome(self.keyring.add(SECRET))
        outcome(self.keyring.note_use("1", NOON))
        outcome(self.keyring.note_use("gone", NOON))
        self.assertEqual(outcome(self.keyring.find("alice"))[0].last_used, NOON)

    def test_names_are_checked(self) -> None:
        for name in ("", "../alice", "a/b", "a" * 129, "alice\n"):
            self.assertRaises(Refused, outcome, self.keyring.add(replace(SECRET, component=name)))

    def test_weak_keys_are_refused(self) -> None:
        weak = rsa.RSAPublicNumbers(65537, (1 << 1023) + 1).public_key()
        self.assertRaises(Refused, outcome, self.keyring.add(replace(SECRET, material=weak)))

    def test_a_name_has_at_most_eight(self) -> None:
        for number in range(8):
            outcome(self.keyring.add(replace(SECRET, identifier=str(number))))
        self.assertRaises(Refused, outcome, self.keyring.add(replace(SECRET, identifier="8")))
        outcome(self.keyring.add(replace(SECRET, identifier="8", component="bob")))

    def test_an_identifier_is_given_once(self) -> None:
        outcome(self.keyring.add(SECRET))
        self.assertRaises(ValueError, outcome, self.keyring.add(replace(SECRET, component="bob")))
