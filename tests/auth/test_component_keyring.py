"""Stored credentials: what they are good for, and the keyring in memory."""

from __future__ import annotations

from dataclasses import replace

from pkid.auth.component_keyring import MemoryKeyring, StoredCredential
from pkid.auth.schemes import Scheme
from pkid.auth.scram import ScramVerifier
from pkid.ca.keys import KeyType
from tests.auth import keyring_contract
from tests.auth.keyring_contract import SECRET
from tests.certificates import NOON, private_key
from tests.support import Case

VERIFIER = ScramVerifier(b"saltsalt", 4096, bytes(32), bytes(32))


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


class MemoryKeyringTests(keyring_contract.KeyringContract):
    def setUp(self) -> None:
        self.keyring = MemoryKeyring()
