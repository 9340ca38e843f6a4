"""Logins by passwords that the core does not know, and a relay in the middle."""

from __future__ import annotations

from dataclasses import replace

from pkid.auth.proofs import PlainProof, ScramFinish, ScramStart
from pkid.auth.schemes import Scheme
from pkid.auth.scram import ScramVerifier
from pkid.auth.scram_client import ScramClient
from pkid.auth.transcript import Channel
from pkid.auth.unbound import StoredKeys
from pkid.errors import Refused
from tests.auth.login_case import GREETING, NOISE, PASSWORD, TLS, VERIFIER, LoginCase
from tests.auth.logins import CLIENT_NONCE, EXPORTER, differing, outcome


class ScramLoginTests(LoginCase):
    """Passwords."""

    def setUp(self) -> None:
        super().setUp()
        self.credential = self.add("alice", VERIFIER)

    def offers(self, channel: Channel) -> tuple[str, ...]:
        return outcome(self.login(replace(GREETING, channel=channel)).offer("alice"))

    def test_a_password_proves_a_name_and_the_core_proves_itself(self) -> None:
        login = self.login()
        client = self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        admission = self.admitted(login, self.final)
        client.check(admission.evidence)
        self.assertEqual(admission.credential, f"key:{self.credential.identifier}")

    def test_what_is_offered_depends_on_the_connection(self) -> None:
        plus, unbound = Scheme.SCRAM_PLUS.value, Scheme.SCRAM.value
        self.assertEqual(self.offers(TLS), (plus,))
        self.assertEqual(self.offers(Channel(True, EXPORTER, True)), (plus, unbound))
        self.assertEqual(self.offers(Channel(False)), (unbound,))
        self.assertTrue(self.offers(Channel(True)))  # nothing of it will do, but the name must be proven

    def test_on_older_tls_nothing_will_do(self) -> None:
        for scheme in (Scheme.SCRAM, Scheme.SCRAM_PLUS):
            login = self.login(replace(GREETING, channel=Channel(True)))
            mine = self.seen(scheme, outcome(login.offer("alice")))
            self.refused(login, ScramStart(scheme, CLIENT_NONCE, ScramClient(PASSWORD, mine).start()))

    def test_a_relay_does_not_get_in(self) -> None:
        offers = outcome(self.login().offer("alice"))
        for what, other in differing(self.seen(Scheme.SCRAM_PLUS, offers)):
            if other.offers != offers or not what.endswith("offers"):
                login = self.login()
                outcome(login.offer("alice"))
                with self.assertRaises(Refused, msg=what):
                    self.scram(login, other)
                    outcome(login.prove("alice", self.final))

    def test_a_wrong_password_is_refused_and_ends_the_login(self) -> None:
        login = self.login()
        mine = self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice")))
        self.scram(login, mine, "wrong")
        self.refused(login, self.final)
        self.refused(login, self.final)
        self.refused(login, ScramStart(Scheme.SCRAM_PLUS, CLIENT_NONCE, ScramClient(PASSWORD, mine).start()))

    def test_there_is_one_conversation_however_many_checkers_there_are(self) -> None:
        login = self.login(GREETING, ("again", StoredKeys()))
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))), "wrong")
        self.refused(login, self.final)

    def test_another_proof_in_between_ends_the_exchange(self) -> None:
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        self.refused(login, PlainProof(NOISE))
        self.refused(login, self.final)

    def test_the_second_step_is_for_the_same_name(self) -> None:
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        self.refused(login, self.final, "bob")

    def test_no_second_step_without_the_first(self) -> None:
        self.refused(self.login(), ScramFinish(NOISE))

    def test_garbage_is_refused_as_anything_else(self) -> None:
        login = self.login()
        self.refused(login, ScramStart(Scheme.SCRAM_PLUS, CLIENT_NONCE, NOISE))
        self.refused(login, ScramFinish(NOISE))

    def test_what_expires_between_the_steps_is_refused(self) -> None:
        self.add("bob", VERIFIER, days=1)
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("bob")), "bob"))
        self.now += 86_400
        self.refused(login, self.final, "bob")

    def test_the_newest_password_counts_that_has_not_expired(self) -> None:
        self.add("alice", ScramVerifier.make("another", b"saltsalt", 4096), days=-1)
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        self.admitted(login, self.final)

    def test_other_schemes_do_not_pass_as_scram(self) -> None:
        plain = replace(GREETING, channel=Channel(False), accepted=tuple(Scheme))
        for scheme in set(Scheme) - {Scheme.SCRAM, Scheme.SCRAM_PLUS}:
            mine = self.seen(scheme, tuple(each.value for each in Scheme), channel=Channel(False))
            self.refused(self.login(plain), ScramStart(scheme, CLIENT_NONCE, ScramClient(PASSWORD, mine).start()))

    def test_what_is_revoked_between_the_steps_is_refused(self) -> None:
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        outcome(self.keyring.revoke(self.credential.identifier))
        self.refused(login, self.final)

    def test_a_downgrade_is_noticed(self) -> None:
        login = self.login(replace(GREETING, channel=Channel(True, EXPORTER, True)))
        mine = self.seen(Scheme.SCRAM, outcome(login.offer("alice")))
        told_nothing = ScramClient(PASSWORD, mine).start().replace(b"n,,", b"y,,")
        self.refused(login, ScramStart(Scheme.SCRAM, CLIENT_NONCE, told_nothing))
