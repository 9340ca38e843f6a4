"""No order of proofs on one connection gives a second attempt, a second name, or another name than the one proven."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.auth.component_keyring import MemoryKeyring
from pkid.auth.proofs import (
    Admission,
    CertificateProof,
    PasswordProof,
    PlainProof,
    Proof,
    ScramAnswer,
    ScramFinish,
    ScramStart,
)
from pkid.auth.psk_proof import PskProof
from pkid.auth.schemes import Scheme
from pkid.auth.scram_client import ScramClient
from pkid.auth.transcript import BindingType
from pkid.errors import Reason, Refused
from tests.auth.login_case import BOUND, KEYS, NOISE, PASSWORD, VERIFIER, LoginCase
from tests.auth.logins import CLIENT_NONCE, outcome

OFFERS = tuple(scheme.value for scheme in BOUND)
PROPERTY = settings(max_examples=400, deadline=None, database=None, derandomize=True)
KINDS = st.sampled_from(["signature", "noise", "start", "finish", "plain", "certificate", "password", "psk", "offer"])
STEPS = st.lists(st.tuples(KINDS, st.sampled_from(["alice", "bob", "carol"])), max_size=6)


class OrderTests(LoginCase):
    """Alice has a key, bob a password, carol nothing."""

    @given(STEPS)
    @PROPERTY
    def test_there_is_one_admission_at_most_and_it_is_earned(self, steps: list[tuple[str, str]]) -> None:
        self.keyring, self.count = MemoryKeyring(), 0
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        self.add("bob", VERIFIER)
        login, said = self.login(), list[tuple[str, str]]()
        self.scram_of_bob = ScramClient(PASSWORD, self.seen(Scheme.SCRAM_PLUS, OFFERS, "bob"))
        self.finish = ScramFinish(NOISE)
        admitted: list[tuple[int, Admission]] = []
        for place, (kind, name) in enumerate(steps):
            if kind == "offer":
                outcome(login.offer(name))
                continue
            said.append((kind, name))
            try:
                answer = outcome(login.prove(name, self.proof(kind)))
            except Refused as refused:
                self.assertIs(refused.reason, Reason.PROOF_FAILED)
                continue
            if isinstance(answer, ScramAnswer):
                self.finish = ScramFinish(self.scram_of_bob.prove(answer.message))
            else:
                admitted.append((place, answer))
        self.assertLessEqual(len(admitted), 1)
        for _, admission in admitted:
            self.assertIn(admission.component, ("alice", "bob"))
            earned = (
                [("signature", "alice")] if admission.component == "alice" else [("start", "bob"), ("finish", "bob")]
            )
            self.assertEqual(said[: len(earned)], earned)

    def proof(self, kind: str) -> Proof:
        """Return a proof that is good for its owner if it comes at once, in its place."""
        match kind:
            case "signature":
                return self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, OFFERS))
            case "noise":
                return PlainProof(NOISE)
            case "start":
                return ScramStart(Scheme.SCRAM_PLUS, CLIENT_NONCE, self.first())
            case "finish":
                return self.finish
            case "certificate":
                return CertificateProof()
            case "password":
                return PasswordProof(PASSWORD)
            case "psk":
                return PskProof("default", b"saltsalt", CLIENT_NONCE, BindingType.TLS_EXPORTER, bytes(32))
        return PlainProof(b"")

    def first(self) -> bytes:
        return ScramClient(PASSWORD, self.seen(Scheme.SCRAM_PLUS, OFFERS, "bob")).start()
