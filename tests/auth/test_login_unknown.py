"""Logins under names that have no credential."""

from __future__ import annotations

from pkid.auth.component_keyring import StoredCredential
from pkid.auth.decoys import Decoys
from pkid.auth.proofs import SignedProof
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import BindingType
from tests.auth.login_case import KEYS, NOISE, VERIFIER, LoginCase
from tests.auth.logins import CLIENT_NONCE, outcome


class UnknownNameTests(LoginCase):
    """Names without a credential."""

    def test_without_decoys_they_are_offered_nothing(self) -> None:
        self.assertEqual(outcome(self.login().offer("nobody")), ())
        self.refused(self.login(), SignedProof(Scheme.ED25519, CLIENT_NONCE, BindingType.TLS_EXPORTER, NOISE))

    def test_with_decoys_they_look_like_others(self) -> None:
        self.add("alice", VERIFIER)
        self.add("bob", KEYS[Scheme.ED25519].public_key())
        decoys = Decoys(b"k" * 32, salt_size=8, iterations=4096)
        true = {outcome(self.login(decoys=decoys).offer(name)) for name in ("alice", "bob")}
        false = {outcome(self.login(decoys=decoys).offer(f"nobody-{number}")) for number in range(30)}
        self.assertEqual(true, false)

    def test_known_names_cost_the_same_work(self) -> None:
        made: list[str] = []

        class Counted(Decoys):
            def credential(self, component: str) -> StoredCredential:
                made.append(component)
                return super().credential(component)

        self.add("alice", KEYS[Scheme.ED25519].public_key())
        for name in ("alice", "bob"):
            login = self.login(decoys=Counted(b"k" * 32, (Scheme.ED25519,)))
            outcome(login.offer(name))
            self.refused(login, SignedProof(Scheme.ED25519, CLIENT_NONCE, BindingType.TLS_EXPORTER, NOISE), name)
        self.assertEqual(made, ["alice", "alice", "bob", "bob"])

    def test_decoys_are_in_nobodys_way(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login(decoys=Decoys(b"k" * 32, (Scheme.ECDSA_P256,)))
        self.admitted(login, self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("alice")))))

    def test_an_exchange_with_a_decoy_goes_on_to_its_end(self) -> None:
        decoys = Decoys(b"k" * 32, (Scheme.SCRAM_PLUS,))
        login = self.login(decoys=decoys)
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("nobody")), "nobody"))
        self.refused(login, self.final, "nobody")

    def test_even_a_proof_that_fits_a_decoy_is_refused(self) -> None:
        class Known(Decoys):
            def credential(self, component: str) -> StoredCredential:
                return StoredCredential("", component, KEYS[Scheme.ED25519].public_key())

        login = self.login(decoys=Known(b""))
        proof = self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("nobody")), "nobody"))
        self.refused(login, proof, "nobody")
