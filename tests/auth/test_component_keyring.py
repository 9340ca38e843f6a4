"""Stored credentials: what they are good for, and the keyring in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

from pkid.auth.component_keyring import MemoryKeyring, SharedSecret, StoredCredential
from pkid.auth.schemes import Scheme
from pkid.auth.scram import ScramVerifier
from pkid.ca.keys import KeyType
from pkid.errors import Refused
from tests.auth.logins import outcome
from tests.certificates import NOON, private_key
from tests.support import Case

VERIFIER = ScramVerifier(b"saltsalt", 4096, bytes(32), bytes(32))
SECRET = StoredCredential("1", "alice", SharedSecret("hush hush"))


class StoredCredentialTests(Case):
    def test_what_is_stored_says_how_to_prove_it(self) -> None:
        expected = {
            KeyType.RSA2048: (Scheme.RSA_PSS, Scheme.PLAIN_RSA),
            KeyType.P256: (Scheme.ECDSA_P256, Scheme.PLAIN_ECDSA),
            KeyType.P384: (Scheme.ECDSA_P384,),
            KeyType.ED25519: (Scheme.ED25519,),
        }
        for kind, schemes in expected.items():
            self.assertEqual(StoredCredential("1", "alice", private_key(kind).public_key()).schemes, schemes)
        self.assertEqual(StoredCredential("1", "alice", VERIFIER).schemes, (Scheme.SCRAM_PLUS, Scheme.SCRAM))
        self.assertEqual(SECRET.schemes, (Scheme.PLAIN_SECRET,))

    def test_only_a_shared_secret_can_be_recovered(self) -> None:
        self.assertTrue(SECRET.is_recoverable)
        self.assertFalse(StoredCredential("1", "alice", VERIFIER).is_recoverable)
        self.assertFalse(StoredCredential("1", "alice", private_key(KeyType.P256).public_key()).is_recoverable)

    def test_it_ends_when_it_expires(self) -> None:
        credential = replace(SECRET, expires=NOON)
        self.assertTrue(credential.is_active(NOON.timestamp() - 0.001))
        self.assertFalse(credential.is_active(NOON.timestamp()))
        self.assertTrue(SECRET.is_active(1e12))

    def test_no_secret_is_shown(self) -> None:
        self.assertNotIn("hush", repr(SECRET) + repr(SECRET.material))


class MemoryKeyringTests(Case):
    def setUp(self) -> None:
        self.keyring = MemoryKeyring()

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
