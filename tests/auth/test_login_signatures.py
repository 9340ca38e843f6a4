"""Logins by public keys, on each side of each rule, and a relay in the middle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from pkid.auth.component_credentials import ISignature
from pkid.auth.component_keyring import SharedSecret
from pkid.auth.proofs import Admission, SignedProof
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import BindingType, Channel
from pkid.ca.keys import KeyType
from pkid.errors import Refused
from tests.auth.login_case import BOUND, GREETING, KEYS, NOISE, TLS, VERIFIER, LoginCase
from tests.auth.logins import CLIENT_NONCE, EXPORTER, differing, outcome
from tests.certificates import NOON


class SignatureLoginTests(LoginCase):
    """Public keys."""

    def test_every_kind_of_key_proves_a_name(self) -> None:
        for scheme, key in KEYS.items():
            credential = self.add(scheme.name, key.public_key())
            login = self.login()
            offers = outcome(login.offer(scheme.name))
            self.assertEqual(offers, (scheme.value,))
            proof = self.signed(scheme, self.seen(scheme, offers, scheme.name))
            admission = self.admitted(login, proof, scheme.name)
            self.assertEqual(admission, Admission(scheme.name, f"key:{credential.identifier}"))

    def test_a_relay_does_not_get_in(self) -> None:
        for scheme, key in KEYS.items():
            self.add(scheme.name, key.public_key())
            offers = outcome(self.login().offer(scheme.name))
            for what, other in differing(self.seen(scheme, offers, scheme.name)):
                if other.offers == offers and what.endswith("offers"):
                    continue
                login = self.login()
                outcome(login.offer(scheme.name))
                with self.assertRaises(Refused, msg=f"{scheme}: {what}"):
                    outcome(login.prove(scheme.name, self.signed(scheme, other)))

    def test_stripped_offers_are_noticed(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        self.add("alice", KEYS[Scheme.RSA_PSS].public_key())
        login = self.login()
        self.assertEqual(len(outcome(login.offer("alice"))), 2)
        self.refused(login, self.signed(Scheme.RSA_PSS, self.seen(Scheme.RSA_PSS, (Scheme.RSA_PSS.value,))))

    def test_a_recorded_proof_is_worth_nothing_on_another_connection(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login()
        proof = self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("alice"))))
        self.admitted(login, proof)
        for greeting in (replace(GREETING, nonce=b"n" * 32), replace(GREETING, channel=Channel(True, b"X" * 32))):
            other = self.login(greeting)
            outcome(other.offer("alice"))
            self.refused(other, proof)

    def test_there_is_one_attempt(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login()
        good = self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("alice"))))
        self.refused(login, replace(good, signature=NOISE))
        self.refused(login, good)

    def test_any_active_key_will_do(self) -> None:
        older = self.add("alice", KEYS[Scheme.ED25519].public_key())
        self.add("alice", KeyType.ED25519.generate().public_key())
        login = self.login()
        proof = self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("alice"))))
        self.assertEqual(self.admitted(login, proof).credential, f"key:{older.identifier}")
        self.assertEqual(outcome(self.keyring.find("alice"))[1].last_used, NOON)

    def test_an_expired_key_proves_nothing_and_the_name_needs_a_proof_still(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key(), days=-1)
        login = self.login()
        offers = outcome(login.offer("alice"))
        self.assertEqual(offers, (Scheme.ED25519.value,))
        self.refused(login, self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, offers)))

    def test_only_what_was_offered_counts(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login()
        offers = outcome(login.offer("alice"))
        self.add("alice", KEYS[Scheme.RSA_PSS].public_key())
        self.refused(login, self.signed(Scheme.RSA_PSS, self.seen(Scheme.RSA_PSS, offers)))

    def test_an_unasked_proof_covers_the_offers_of_the_greeting(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        all_offers = tuple(scheme.value for scheme in BOUND)
        self.admitted(self.login(), self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, all_offers)))
        self.refused(self.login(), self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, all_offers[:-1])))

    def test_a_nonce_of_another_size_is_refused(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        for nonce in (b"", CLIENT_NONCE[:-1], CLIENT_NONCE * 2):
            self.refused(self.login(), SignedProof(Scheme.ED25519, nonce, BindingType.TLS_EXPORTER, NOISE))

    def test_a_scheme_that_the_door_does_not_take_is_refused(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login(replace(GREETING, accepted=(Scheme.RSA_PSS,)))
        offers = outcome(login.offer("alice"))
        self.assertEqual(offers, (Scheme.ED25519.value,))  # never nothing, or the name could be claimed
        self.refused(login, self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, offers)))

    def test_a_signature_scheme_is_never_tried_on_a_password(self) -> None:
        self.add("alice", VERIFIER)
        self.add("alice", SharedSecret("hush hush"))
        all_offers = tuple(scheme.value for scheme in BOUND)
        for scheme in KEYS:
            self.refused(self.login(), self.signed(scheme, self.seen(scheme, all_offers)))

    def test_other_schemes_do_not_pass_as_signatures(self) -> None:
        for material in (KEYS[Scheme.ED25519].public_key(), VERIFIER, SharedSecret("hush hush")):
            self.add("alice", material)
        for scheme in set(Scheme) - set(KEYS):
            self.refused(self.login(), SignedProof(scheme, CLIENT_NONCE, BindingType.TLS_EXPORTER, NOISE))


@implementer(ICredentialsChecker)
class Generous:
    """Takes every signature for bob's."""

    credentialInterfaces = (ISignature,)

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        return succeed(Admission("bob", "generous"))


class OtherCheckerTests(LoginCase):
    """Checkers of others."""

    def test_a_checker_admits_whoever_gave_the_proof_and_nobody_else(self) -> None:
        for name, admitted in (("bob", True), ("alice", False)):
            login = self.login(GREETING, ("generous", Generous()))
            proof = SignedProof(Scheme.ED25519, CLIENT_NONCE, BindingType.TLS_EXPORTER, NOISE)
            (self.admitted if admitted else self.refused)(login, proof, name)


class BindingTests(LoginCase):
    """Which connections take which proofs."""

    def attempt(self, channel: Channel, seen: Channel) -> Admission:
        login = self.login(replace(GREETING, channel=channel))
        transcript = self.seen(Scheme.ED25519, outcome(login.offer("alice")), channel=seen)
        return self.admitted(login, self.signed(Scheme.ED25519, transcript))

    def test_an_unbound_proof_is_for_plain_connections_or_by_configuration(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        plain = Channel(False)
        for channel in (Channel(False), Channel(True, None, True), Channel(True, EXPORTER, True)):
            self.attempt(channel, plain)
        for channel in (Channel(True), Channel(True, EXPORTER)):
            self.assertRaises(Refused, self.attempt, channel, plain)

    def test_legs_of_different_versions_do_not_agree(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        for far in (Channel(True), Channel(True, b"F" * 32), Channel(True, b"F" * 32, True)):
            self.assertRaises(Refused, self.attempt, far, TLS)
