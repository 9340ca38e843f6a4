"""Credentials of names that have none."""

from __future__ import annotations

from pkid.auth.component_keyring import SharedSecret, StoredCredential
from pkid.auth.decoys import Decoys
from pkid.auth.schemes import Scheme
from pkid.auth.scram import DEFAULT_ITERATIONS, ScramVerifier
from pkid.ca.keys import check_key
from tests.support import Case

KEY = b"k" * 32
SCHEMES = (Scheme.SCRAM_PLUS, Scheme.ED25519, Scheme.ECDSA_P256, Scheme.ECDSA_P384, Scheme.RSA_PSS)
NAMES = [f"name-{number}" for number in range(200)]


class DecoyTests(Case):
    def decoy(self, name: str, scheme: Scheme) -> StoredCredential:
        return Decoys(KEY, (scheme,)).credential(name)

    def test_a_name_has_one_decoy(self) -> None:
        for scheme in SCHEMES:
            self.assertEqual(self.decoy("alice", scheme), self.decoy("alice", scheme))
            self.assertNotEqual(self.decoy("alice", scheme).material, self.decoy("bob", scheme).material)

    def test_it_is_made_with_the_key(self) -> None:
        self.assertNotEqual(Decoys(KEY).credential("alice"), Decoys(b"l" * 32).credential("alice"))

    def test_it_looks_like_a_true_credential(self) -> None:
        for scheme in SCHEMES:
            decoy = self.decoy("alice", scheme)
            self.assertIs(decoy.schemes[0], scheme)
            self.assertEqual(decoy.component, "alice")
            if isinstance(decoy.material, ScramVerifier):
                self.assertEqual((len(decoy.material.salt), decoy.material.iterations), (16, DEFAULT_ITERATIONS))
            else:
                check_key(decoy.material)  # type: ignore[arg-type]

    def test_a_salt_is_as_long_as_true_ones(self) -> None:
        decoy = Decoys(KEY, (Scheme.SCRAM,), salt_size=24, iterations=20_000).credential("alice").material
        assert isinstance(decoy, ScramVerifier)
        self.assertEqual((len(decoy.salt), decoy.iterations), (24, 20_000))

    def test_they_look_like_what_there_is(self) -> None:
        stored = [
            StoredCredential("1", "a", ScramVerifier(b"s" * 20, 5000, bytes(32), bytes(32))),
            StoredCredential("2", "b", SharedSecret("hush hush")),
            StoredCredential("3", "c", self.decoy("c", Scheme.RSA_PSS).material),
        ]
        made = [Decoys.like(KEY, stored).credential(name) for name in NAMES]
        self.assertEqual({each.schemes for each in made}, {each.schemes for each in stored})
        passwords = [each.material for each in made if isinstance(each.material, ScramVerifier)]
        self.assertEqual({(len(each.salt), each.iterations) for each in passwords}, {(20, 5000)})
        self.assertEqual(Decoys.like(KEY, stored[1:]).credential("x").component, "x")
        usual = [Decoys.like(KEY, []).credential(name) for name in NAMES]
        self.assertEqual(usual, [Decoys(KEY).credential(name) for name in NAMES])

    def test_schemes_are_shared_out_as_they_occur(self) -> None:
        decoys = Decoys(KEY, (Scheme.ED25519, Scheme.ED25519, Scheme.ED25519, Scheme.SCRAM_PLUS))
        kinds = [decoys.credential(name).schemes[0] for name in NAMES]
        self.assertEqual(set(kinds), {Scheme.ED25519, Scheme.SCRAM_PLUS})
        self.assertTrue(130 < kinds.count(Scheme.ED25519) < 170)
