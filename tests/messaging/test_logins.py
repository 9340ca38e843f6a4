"""Logging in to the broker at work: who gets in, and who waits meanwhile."""

from __future__ import annotations

from pkid.broker.commands import (
    Identify,
    Prove,
    Register,
    Subscribe,
    Unregister,
)
from pkid.broker.effects import CloseReason
from pkid.broker.identity import Identity
from pkid.broker.replies import Challenge, Done, Failed, Greet, Welcome
from pkid.errors import Reason, Refused, Unavailable
from tests.messaging.core import BAD, GOOD, Core
from tests.support import Case


class LoginTests(Case):
    """Who gets in, and who waits meanwhile."""

    def test_a_session_is_anonymous_as_soon_as_it_asks_for_something(self) -> None:
        client = Core().connect()
        self.assertFalse(client.session.is_open)
        self.assertEqual(client.say(Subscribe(1, "news")), [Done(1)])
        self.assertTrue(client.session.is_open)

    def test_the_challenge_may_go_with_the_greeting(self) -> None:
        client = Core(keys=["alice"]).connect(offered=True)
        self.assertEqual(client.replies, [Greet(b"n" * 32)])
        client.say(Prove(1, "alice", GOOD))
        self.assertEqual(client.replies[1:], [Welcome(1, Identity("alice", True), "", b"evidence")])

    def test_a_name_with_a_key_is_challenged_and_proven(self) -> None:
        core = Core(keys=["alice"])
        client = core.connect()
        self.assertEqual(client.say(Identify(1, "alice")), [Challenge(1, ("key",), b"n" * 32)])
        self.assertEqual(client.say(Prove(2, "alice", GOOD)), [Welcome(2, Identity("alice", True), "", b"evidence")])
        self.assertTrue(client.session.is_open)
        (greeting,) = core.keys.greetings
        self.assertEqual((greeting.server, greeting.nonce), (core.service.server, b"n" * 32))
        self.assertEqual(greeting.channel, client.session.approach.channel)

    def test_a_bad_proof_ends_the_session(self) -> None:
        core = Core(keys=["alice"])
        client = core.connect()
        client.say(Identify(1, "alice"), Prove(2, "alice", BAD))
        self.assertEqual(client.replies[-1], Failed(2, Reason.PROOF_FAILED))
        self.assertIs(client.closed, CloseReason.LOGIN_FAILED)
        self.assertEqual(core.service.connections(), ())

    def test_the_door_is_held_while_a_name_is_looked_up_and_a_proof_checked(self) -> None:
        core = Core(keys=["alice"])
        core.keys.slow = True
        client = core.connect()
        client.say(Identify(1, "alice"), Prove(2, "alice", GOOD), Subscribe(3, "news"))
        self.assertTrue(client.is_held)
        core.keys.waiting[0].callback(None)
        self.assertTrue(client.is_held)  # until the next turn
        core.clock.advance(0)
        self.assertTrue(client.is_held)  # for the proof
        core.keys.waiting[1].callback(None)
        core.clock.advance(0)
        kinds = [type(reply) for reply in client.replies]
        self.assertEqual((kinds, client.is_held), ([Challenge, Welcome, Done], False))

    def test_a_client_that_left_meanwhile_is_told_nothing(self) -> None:
        core = Core(keys=["alice"])
        core.keys.slow = True
        client = core.connect()
        client.say(Identify(1, "alice"))
        client.session.lost()
        self.assertTrue(core.keys.waiting[0].called)  # given up
        core.clock.advance(1)
        self.assertEqual((client.replies, client.is_held), ([], True))

    def test_a_login_that_takes_too_long_ends(self) -> None:
        core = Core(keys=["alice"])
        core.keys.slow = True
        client = core.connect()
        client.say(Identify(1, "alice"))
        core.wait(6)
        self.assertIs(client.closed, CloseReason.LOGIN_TIME)
        self.assertTrue(core.keys.waiting[0].called)

    def test_a_name_about_which_nobody_can_tell_is_not_let_in(self) -> None:
        errors = (Unavailable(Reason.BUSY), CloseReason.BUSY), (RuntimeError("broken"), CloseReason.LOGIN_FAILED)
        for error, reason in errors:
            core = Core(keys=["alice"])
            core.keys.error = error
            client = core.connect()
            client.say(Identify(1, "nobody"))
            self.assertIs(client.closed, reason)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_proof_that_nobody_can_check_now_is_not_called_wrong(self) -> None:
        core = Core(keys=["alice"])
        client = core.connect()
        client.say(Identify(1, "alice"))
        core.keys.error = Unavailable(Reason.BUSY)
        client.say(Prove(2, "alice", GOOD))
        self.assertEqual((client.closed, len(client.replies)), (CloseReason.BUSY, 1))
        self.assertEqual(sum(core.service.tally.logins.values()), 1)

    def test_a_registered_name_is_taken_from_whoever_claimed_it(self) -> None:
        core = Core()
        claimant, owner = core.join("alice"), core.connect()
        self.assertEqual(owner.say(Register(1, "alice", "key")), [Done(1)])
        self.assertIs(claimant.closed, CloseReason.EXPELLED)
        self.assertEqual(core.keys.names, {"alice"})

    def test_a_registration_that_is_refused_or_fails_is_told(self) -> None:
        core = Core(keys=["alice"])
        client = core.connect()
        self.assertEqual(client.say(Register(1, "alice", "key")), [Failed(1, Reason.NOT_ALLOWED, "alice")])
        core.keys.error = RuntimeError("broken")
        self.assertEqual(client.say(Register(2, "bob", "key")), [Failed(2, Reason.STORE)])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_component_may_have_its_own_keys_forgotten_and_is_not_that_component_from_then_on(self) -> None:
        core = Core(keys=["alice", "bob"])
        alice, bob = core.join("alice"), core.join("bob")
        core.keys.slow = True
        alice.say(Unregister(1))
        self.assertEqual((alice.replies, alice.closed), ([], None))
        core.keys.waiting.pop().callback(None)
        self.assertEqual((alice.replies, alice.closed), ([Done(1)], CloseReason.EXPELLED))
        self.assertEqual((core.keys.names, bob.closed), ({"bob"}, None))

    def test_keys_that_are_not_forgotten_leave_the_session_as_it_is(self) -> None:
        core = Core(keys=["alice"])
        alice = core.join("alice")
        core.keys.error = Refused(Reason.KEPT_ELSEWHERE, "alice")
        self.assertEqual(alice.say(Unregister(1)), [Failed(1, Reason.KEPT_ELSEWHERE, "alice")])
        self.assertIsNone(alice.closed)
