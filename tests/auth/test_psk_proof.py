"""Proofs by a pre-shared key."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from twisted.internet.defer import Deferred, execute

from pkid.auth import derivation
from pkid.auth.component_keyring import SharedSecret, StoredCredential
from pkid.auth.derivation import KeyDerivation
from pkid.auth.login import Login
from pkid.auth.proofs import Admission, Greeting
from pkid.auth.psk import PreSharedKey, Terms
from pkid.auth.psk_proof import PskProof, authentication_code
from pkid.auth.roles import Role
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import BindingType, Channel, Prover, Transcript
from pkid.auth.unbound import PreSharedKeys
from pkid.ca.patterns import ComponentPattern
from pkid.ca.policy import Policy, Rules
from pkid.errors import Reason, Refused
from tests.auth.login_case import LoginCase
from tests.auth.logins import CLIENT_NONCE, EXPORTER, SERVER_NONCE, differing, outcome
from tests.certificates import NOON, PSK, SALT, signing_key

GREETING = Greeting("core.example", SERVER_NONCE, Channel(True, EXPORTER), (Scheme.ED25519, Scheme.PSK))
SEEN = Transcript(
    "core.example", SERVER_NONCE, CLIENT_NONCE, "alice", (Scheme.ED25519.value, Scheme.PSK.value), Scheme.PSK.value,
    BindingType.TLS_EXPORTER, EXPORTER,
)  # fmt: skip


def only(*patterns: str, deny: tuple[str, ...] = ()) -> Policy:
    """Return a policy that allows these components."""
    return Policy(components=Rules(tuple(map(ComponentPattern, patterns)), tuple(map(ComponentPattern, deny))))


class PskProofTests(LoginCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(derivation, "derive_key", signing_key)
        self.use(PSK)

    def use(self, psk: PreSharedKey) -> None:
        self.psks.exchange([psk])
        self.derivation = KeyDerivation(lambda work: execute(work), workers=1)

    def begin(self, greeting: Greeting = GREETING) -> Login:
        return self.login(greeting, ("psk", PreSharedKeys()))

    def proof(self, seen: Transcript = SEEN, psk: PreSharedKey = PSK, salt: bytes = SALT) -> PskProof:
        code = authentication_code(signing_key(psk.secret, salt), seen, Prover.COMPONENT)
        return PskProof(psk.name, salt, CLIENT_NONCE, seen.binding_type, code)

    def enter(self, proof: PskProof, login: Login | None = None, name: str = "alice") -> Admission:
        admission = self.successResultOf(Deferred.fromCoroutine((login or self.begin()).prove(name, proof)))
        assert isinstance(admission, Admission)
        return admission

    def turned_away(self, proof: PskProof, login: Login | None = None, name: str = "alice") -> None:
        failure = self.failureResultOf(Deferred.fromCoroutine((login or self.begin()).prove(name, proof)), Refused)
        self.assertIs(failure.value.reason, Reason.PROOF_FAILED)

    def test_the_key_proves_a_name_and_the_core_proves_that_it_has_it(self) -> None:
        admission = self.enter(self.proof())
        evidence = authentication_code(signing_key(PSK.secret, SALT), SEEN, Prover.CORE)
        self.assertEqual(admission, Admission("alice", PSK.credential, evidence))

    def test_a_key_for_reading_alone_proves_no_name(self) -> None:
        for role in Role:
            self.use(PreSharedKey(PSK.name, PSK.secret, Terms(role)))
            check = self.turned_away if role is Role.READ else self.enter
            check(self.proof())

    def test_a_proof_is_not_the_cores_nor_the_other_way_round(self) -> None:
        key = signing_key(PSK.secret, SALT)
        self.turned_away(replace(self.proof(), code=authentication_code(key, SEEN, Prover.CORE)))

    def test_a_relay_does_not_get_in(self) -> None:
        for _, other in differing(SEEN):
            self.turned_away(self.proof(other))

    def test_wrong_keys_names_and_codes_are_refused(self) -> None:
        stranger = replace(PSK, secret="nobody knows this key here")
        good = self.proof()
        for wrong in (
            self.proof(psk=stranger),
            replace(good, psk="other"),
            replace(good, code=b""),
            replace(good, code=good.code[:-1]),
            replace(good, salt=b"othersalt"),
        ):
            self.turned_away(wrong)

    def test_a_salt_has_8_to_64_bytes_and_others_cost_nothing(self) -> None:
        for size in (8, 64):
            self.enter(self.proof(salt=b"s" * size))
        derived = self.derivation.derived
        for size in (0, 7, 65):
            self.turned_away(self.proof(salt=b"s" * size))
        self.assertEqual(self.derivation.derived, derived)

    def test_a_key_is_kept_when_it_proved_right_and_not_before(self) -> None:
        self.turned_away(replace(self.proof(), code=bytes(32)))
        self.assertIsNone(self.derivation.recall(PSK, SALT))
        self.enter(self.proof())
        self.enter(self.proof())
        self.assertEqual(self.derivation.derived, 2)

    def test_an_expired_key_proves_nothing(self) -> None:
        self.use(replace(PSK, terms=Terms(expires=NOON)))
        self.turned_away(self.proof())
        self.now -= 1
        self.enter(self.proof())

    def test_a_key_that_is_taken_out_of_service_meanwhile_proves_nothing(self) -> None:
        derived: Deferred[Any] = Deferred()
        self.derivation = KeyDerivation(lambda work: derived, workers=1)
        outcome_of = Deferred.fromCoroutine(self.begin().prove("alice", self.proof()))
        self.psks.exchange([])
        derived.callback(signing_key(PSK.secret, SALT))
        self.failureResultOf(outcome_of, Refused)

    def test_the_policy_says_which_names(self) -> None:
        for policy, admitted in (
            (only("ali*"), True),
            (only("bob"), False),
            (only("ali*", deny=("alice",)), False),
            (Policy(dns=Rules(())), False),
        ):
            self.use(replace(PSK, terms=Terms(policy=policy)))
            (self.enter if admitted else self.turned_away)(self.proof())

    def test_a_name_with_rights_or_a_credential_must_be_listed_literally(self) -> None:
        self.privileged.add("alice")
        for policy, admitted in ((Policy(), False), (only("ali*"), False), (only("alice"), True)):
            self.use(replace(PSK, terms=Terms(policy=policy)))
            (self.enter if admitted else self.turned_away)(self.proof())
        self.privileged.clear()
        outcome(self.keyring.add(StoredCredential("1", "alice", SharedSecret("hush hush"), NOON - timedelta(1))))
        for policy, admitted in ((Policy(), False), (only("alice"), True)):
            self.use(replace(PSK, terms=Terms(policy=policy)))
            (self.enter if admitted else self.turned_away)(self.proof())

    def test_a_door_that_does_not_take_it_refuses(self) -> None:
        self.turned_away(self.proof(), self.begin(replace(GREETING, accepted=(Scheme.ED25519,))))
        self.turned_away(self.proof(), self.login(GREETING))

    def test_it_is_offered_beside_a_names_own_credential(self) -> None:
        outcome(self.keyring.add(StoredCredential("1", "alice", SharedSecret("hush hush"))))
        self.assertEqual(outcome(self.begin().offer("alice")), (Scheme.PSK.value,))
        self.assertEqual(outcome(self.begin().offer("nobody")), ())

    def test_a_code_is_not_shown(self) -> None:
        self.assertNotIn("code", repr(self.proof()))
