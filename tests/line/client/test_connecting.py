"""A client that connects, and stays connected."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import Logger, formatEvent

from pkid.auth.component_login import FalseCore, NotOffered
from pkid.auth.own_credential import OwnKey, OwnPassword, OwnPreSharedKey
from pkid.auth.proofs import ScramFinish, ScramStart, SignedProof
from pkid.auth.schemes import Scheme
from pkid.broker.commands import Call, Identify, Prove, Setup
from pkid.line.client.connection import PATIENCE
from pkid.line.client.errors import Denied, Disconnected
from pkid.line.client.link import pause_before
from pkid.line.client.session import LOGIN_TIME, SessionEndpoint
from pkid.line.client.silence import SILENCE
from pkid.line.codec import Bye, Ping, Pong
from tests.certificates import PSK, SALT, private_key, signing_key
from tests.line.client.cores import ClientCase
from tests.support import Case


class AnonymousTests(ClientCase):
    """Without a name."""

    def test_it_says_what_it_wants_and_is_connected(self) -> None:
        connected = self.client.when_connected()
        self.client.startService()
        self.assertNoResult(connected)
        self.assertEqual(self.end.only(Setup), Setup("1", (), ()))
        self.assertFalse(self.client.connected)
        self.end.say("#1 OK")
        self.assertNoResult(connected)
        self.clock.advance(0)
        self.successResultOf(connected)
        self.assertTrue(self.client.connected)

    def test_who_waited_for_the_connection_may_do_anything_with_the_client(self) -> None:
        """Twisted's client service must not be called from what it calls."""
        done: list[Deferred[Any]] = []

        async def use() -> None:
            await self.client.when_connected()
            done.append(self.client.subscribe("a"))
            done.append(self.client.when_connected())
            done.append(self.client.stopService())

        using = Deferred.fromCoroutine(use())
        self.client.startService()
        self.end.confirm(Setup)
        self.clock.advance(0)
        self.successResultOf(using)
        self.assertEqual(len(done), 3)
        again: list[Deferred[None]] = []
        done[2].addCallback(lambda _: again.append(self.client.stopService()))
        self.end.lose()
        self.failed(done[0], CancelledError)
        self.assertEqual(len(again), 1)

    def test_it_comes_again_later_and_later_when_nobody_is_there(self) -> None:
        self.core.is_there = False
        self.client.startService()
        pauses = []
        for _ in range(8):
            (call,) = self.clock.getDelayedCalls()
            pauses.append(call.getTime() - self.clock.seconds())
            self.clock.advance(pauses[-1])
        self.assertEqual(pauses, [0.5, 1, 2, 4, 8, 16, 30, 30])

    def test_who_wants_to_know_hears_why_it_is_not_connected(self) -> None:
        self.core.is_there = False
        failing, waiting = self.client.when_connected(tries=2), self.client.when_connected()
        self.client.startService()
        self.assertNoResult(failing)
        self.clock.advance(0.5)
        self.failed(failing)
        self.assertNoResult(waiting)
        self.client.stopService()
        self.failed(waiting, CancelledError)

    def test_the_log_says_why_there_is_no_session_but_not_that_it_was_stopped(self) -> None:
        events = EventLoggingObserver()
        self.patch(SessionEndpoint, "_log", Logger(observer=events))
        self.core.is_there = False
        self.client.startService()
        self.clock.advance(0.5)
        self.assertEqual(len(events), 2)
        for event in events:
            self.assertRegex(formatEvent(event), r"^<SessionEndpoint through .*>: no session: .*refused")
        self.core.is_there, self.core.greets = True, False
        self.clock.advance(1)
        self.client.stopService()
        self.assertEqual(len(events), 2)

    def test_a_core_that_says_nothing_is_given_up(self) -> None:
        self.core.greets = False
        self.client.startService()
        self.clock.advance(LOGIN_TIME - 0.1)
        self.assertFalse(self.end.transport.aborted)
        self.clock.advance(0.1)
        self.assertTrue(self.end.transport.aborted)
        self.clock.advance(1)
        self.assertEqual(len(self.core.ends), 2)

    def test_a_connection_that_is_lost_while_it_logs_in_is_made_again(self) -> None:
        self.client.startService()
        self.end.lose()
        self.clock.advance(1)
        self.end.confirm(Setup)
        self.assertTrue(self.client.connected)

    def test_another_version_of_the_protocol_is_not_spoken(self) -> None:
        self.core.greets = False
        failing = self.client.when_connected(tries=1)
        self.client.startService()
        self.end.say("PKID 2 core.example AAAA")
        self.failed(failing, FalseCore)
        self.assertTrue(self.end.transport.aborted)

    def test_what_cannot_be_read_ends_the_connection(self) -> None:
        for garbage in ("HTTP/1.1 400 Bad Request", "MESSAGE", "\x1b[2J"):
            self.setUp()
            self.start()
            self.end.say(garbage)
            self.assertTrue(self.end.transport.aborted)
            self.stop()

    def test_it_says_goodbye(self) -> None:
        self.start()
        stopped = self.client.stopService()
        self.assertIsInstance(self.end.heard()[-1], Bye)
        self.assertTrue(self.end.transport.disconnecting)
        self.assertNoResult(stopped)
        self.clock.advance(PATIENCE)
        self.assertTrue(self.end.transport.aborted)
        self.successResultOf(stopped)

    def test_a_silent_core_is_asked_whether_it_is_there(self) -> None:
        self.start()
        self.clock.advance(SILENCE)  # in which it greeted
        self.clock.advance(SILENCE)
        self.end.only(Ping)
        self.end.say("PONG")
        self.clock.advance(SILENCE)
        self.assertEqual(self.end.heard(), [])
        self.clock.advance(SILENCE)
        self.end.only(Ping)
        self.clock.advance(SILENCE)
        self.assertTrue(self.end.transport.aborted)

    def test_it_answers_when_it_is_asked_itself(self) -> None:
        self.start()
        self.end.say("#x PING")
        self.assertEqual(self.end.only(Pong).request, "x")

    def test_a_core_that_is_about_to_stop_gets_nothing_new(self) -> None:
        self.start()
        pending = self.client.call("add")
        call = self.end.only(Call)
        self.end.say("DRAINING")
        self.assertFalse(self.client.connected)
        self.failureResultOf(self.client.publish("a"), Disconnected)
        self.assertFalse(self.end.transport.disconnecting)
        self.end.say(f"#{call.request} OK :3")
        self.assertEqual(self.successResultOf(pending).data, b"3")
        self.assertTrue(self.end.transport.disconnecting)

    def test_a_core_that_is_about_to_stop_is_not_waited_for_without_end(self) -> None:
        self.start()
        pending = self.client.call("add")
        self.end.say("DRAINING")
        self.clock.advance(PATIENCE)
        self.assertTrue(self.end.transport.disconnecting)
        self.end.lose()
        self.failureResultOf(pending, Disconnected)

    def test_who_was_thrown_out_does_not_come_again_soon(self) -> None:
        self.start()
        self.end.say("BYE replaced :the component connected again")
        self.end.lose()
        self.clock.advance(29)
        self.assertEqual(len(self.core.ends), 1)
        self.clock.advance(1)
        self.assertEqual(len(self.core.ends), 2)

    def test_the_cores_last_words_are_told(self) -> None:
        self.start()
        pending = self.client.call("add")
        self.end.say("BYE overflow :too much waited to be read")
        self.end.lose()
        self.assertIn("too much waited", str(self.failureResultOf(pending, Disconnected).value))


class ClaimingTests(ClientCase):
    """Under a name, without a credential."""

    component = "alice"

    def test_it_says_its_name(self) -> None:
        self.client.startService()
        self.assertEqual(self.end.heard(), [Identify("1", "alice")])
        self.end.say("#1 WELCOME alice claimed :prove it to have rights")
        self.end.confirm(Setup)
        self.assertTrue(self.client.connected)
        self.assertEqual(self.client.warning, "prove it to have rights")

    def test_a_name_with_a_credential_cannot_be_had_without_it(self) -> None:
        failing = self.client.when_connected(tries=1)
        self.client.startService()
        self.end.say(f"#1 CHALLENGE AAAA {Scheme.ED25519.value}")
        self.assertEqual(self.failed(failing, Denied).value.code, "proof-needed")

    def test_a_name_in_use_is_told_with_its_reason(self) -> None:
        failing = self.client.when_connected(tries=1)
        self.client.startService()
        self.end.say("#1 ERROR name-in-use :alice is already connected")
        failure = self.failed(failing, Denied).value
        self.assertEqual((failure.code, str(failure)), ("name-in-use", "alice is already connected"))
        self.assertTrue(self.end.transport.aborted)


class ProvingTests(ClientCase):
    """Under a name, with a private key."""

    component = "alice"
    credential = OwnKey(private_key())

    def prove(self) -> Prove:
        self.client.startService()
        proof = self.end.only(Prove)
        assert isinstance(proof, Prove)
        return proof

    def test_it_proves_its_name_at_once(self) -> None:
        proof = self.prove()
        self.assertEqual(proof.name, "alice")
        self.assertIsInstance(proof.proof, SignedProof)
        self.end.say(f"#{proof.request} WELCOME alice proven")
        self.end.confirm(Setup)
        self.assertTrue(self.client.connected)

    def test_a_welcome_that_is_not_its_own_is_no_welcome(self) -> None:
        for welcome in ("WELCOME alice claimed", "WELCOME bob proven", "OK"):
            self.setUp()
            failing = self.client.when_connected(tries=1)
            proof = self.prove()
            self.end.say(f"#{proof.request} {welcome}")
            self.failed(failing, FalseCore)
            self.assertTrue(self.end.transport.aborted)
            self.stop()

    def test_a_core_that_offers_nothing_as_good_gets_no_proof(self) -> None:
        self.core.offers = (Scheme.SCRAM, Scheme.PASSWORD)
        failing = self.client.when_connected(tries=1)
        self.client.startService()
        self.failed(failing, NotOffered)
        self.assertEqual(self.end.heard(), [])

    def test_a_refused_proof_is_tried_again_later(self) -> None:
        proof = self.prove()
        self.end.say(f"#{proof.request} ERROR proof-failed :the proof was not accepted", "BYE login-failed :no")
        self.assertTrue(self.end.transport.aborted)
        self.clock.advance(1)
        self.assertIsInstance(self.end.only(Prove), Prove)


class PasswordTests(ClientCase):
    """Under a name, with a password."""

    component = "alice"
    credential = OwnPassword("correct horse")

    def test_a_core_that_skips_its_own_proof_is_not_believed(self) -> None:
        failing = self.client.when_connected(tries=1)
        self.client.startService()
        start = self.end.only(Prove)
        assert isinstance(start.proof, ScramStart)
        client_nonce = start.proof.message.decode().partition("r=")[2]
        server_nonce = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        self.end.say(f"#{start.request} CONTINUE r={client_nonce}{server_nonce},s=c2FsdHNhbHQ=,i=4096")
        finish = self.end.only(Prove)
        self.assertIsInstance(finish.proof, ScramFinish)
        self.end.say(f"#{finish.request} WELCOME alice proven")
        self.failed(failing, FalseCore)


class PreSharedKeyTests(ClientCase):
    """Under a name, with the pre-shared key."""

    component = "alice"
    credential = OwnPreSharedKey(PSK.name, SALT, signing_key(PSK.secret, SALT))

    def test_a_core_that_does_not_know_the_key_is_not_believed(self) -> None:
        failing = self.client.when_connected(tries=1)
        self.client.startService()
        proof = self.end.only(Prove)
        self.end.say(f"#{proof.request} WELCOME alice proven +evidence={'A' * 43}")
        self.failed(failing, FalseCore)


class PauseTests(Case):
    """How long a client waits before it tries again."""

    def test_it_grows_to_a_minute_and_is_never_the_same_for_all(self) -> None:
        self.assertEqual([pause_before(attempt, 0.0) for attempt in (1, 2, 3, 7, 10_000)], [0.5, 1, 2, 30, 30])
        self.assertEqual([pause_before(attempt, 0.5) for attempt in (1, 2, 3, 7)], [0.75, 1.5, 3, 45])
        self.assertLess(pause_before(10_000, 0.999), 60)
