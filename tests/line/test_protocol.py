"""One connection of the line door, over a transport in memory, with the broker behind it."""

from __future__ import annotations

from datetime import timedelta

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from zope.interface.verify import verifyObject

from pkid.broker.changes import AssignRole
from pkid.broker.effects import CloseReason
from pkid.broker.inputs import Admitted, Denied, Known
from pkid.broker.policy import Policy
from pkid.broker.replies import Draining
from pkid.errors import Reason, Unavailable
from pkid.line import events
from pkid.line.budget import Budget
from pkid.line.codec import EventReader, Limits, Ping, Pong
from pkid.line.commands import ARITIES
from pkid.line.factory import LineFactory
from pkid.line.help import USAGE
from pkid.line.protocol import LineProtocol
from tests.line.service import NONCE, MemoryMessaging
from tests.support import Case


class Wire(StringTransport):
    """A transport that tells when it was cut, and from where it comes."""

    aborted = False

    def __init__(self, host: str = "192.0.2.1") -> None:
        super().__init__(peerAddress=IPv4Address("TCP", host, 1234))

    def abortConnection(self) -> None:
        """Cut the connection."""
        self.aborted = True
        super().abortConnection()


class Peer:
    """The client's end."""

    def __init__(self, case: DoorCase, host: str = "192.0.2.1") -> None:
        self.clock = case.clock
        self.wire = Wire(host)
        self.protocol = case.factory.buildProtocol(None)
        self.protocol.makeConnection(self.wire)
        self.reader = EventReader()

    def hear(self) -> list[events.Event]:
        """Return what came since the last time."""
        self.clock.advance(0)
        self.reader.feed(self.wire.value())
        self.wire.clear()
        return list(iter(self.reader.read, None))

    def say(self, *lines: str) -> list[events.Event]:
        """Send lines and return what comes back."""
        self.protocol.dataReceived("".join(f"{line}\n" for line in lines).encode())
        return self.hear()

    def fill(self) -> None:
        """Let the transport hold more than it should."""
        assert self.wire.producer is not None
        self.wire.producer.pauseProducing()

    def drain(self) -> None:
        """Let the transport have written everything."""
        assert self.wire.producer is not None
        self.wire.producer.resumeProducing()

    def reason(self) -> str:
        """Return why the connection is being closed."""
        last = self.hear()[-1]
        assert isinstance(last, events.Closed), last
        return last.code


class DoorCase(Case):
    """A door without TLS."""

    POLICY = Policy()
    BUDGET = Budget()

    def setUp(self) -> None:
        self.clock = Clock()
        self.messaging = MemoryMessaging(self.clock, self.POLICY)
        self.factory = LineFactory(self.messaging, self.clock, self.BUDGET)

    def peer(self) -> Peer:
        """Connect, and hear the greeting."""
        peer = Peer(self)
        self.assertIsInstance(peer.hear()[0], events.Greeted)
        return peer


class LaboriousClock(Clock):
    """A clock that goes on by a millisecond whenever somebody looks at it."""

    def seconds(self) -> float:
        self.rightNow += 0.001
        return super().seconds()

    def advance(self, amount: float) -> None:
        """Make the calls that are due; those that these lead to are for the next turn."""
        due = [call for call in self.calls if call.getTime() <= self.rightNow + amount]
        self.rightNow += amount
        for call in due:
            self.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


class TurnTests(DoorCase):
    """How long one client may keep the others waiting."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = LaboriousClock()
        self.factory = LineFactory(self.messaging, self.clock, self.BUDGET)

    def test_what_takes_long_is_done_in_several_turns_and_in_order(self) -> None:
        alice = self.peer()
        alice.protocol.dataReceived("".join(f"#{number} PING\n" for number in range(20)).encode())
        self.assertEqual(alice.wire.producerState, "paused")
        turns = []
        while alice.wire.producerState == "paused":
            turns.append(alice.hear())
        self.assertGreater(len(turns), 2)
        pongs = [event for turn in turns for event in turn] + alice.hear()
        self.assertEqual(pongs, [Pong(str(number)) for number in range(20)])

    def test_what_a_client_said_before_it_left_waits_for_its_turn(self) -> None:
        alice = self.peer()
        alice.protocol.dataReceived(b"PING\n" * 40)
        alice.protocol.connectionLost()
        self.assertLess(len([*alice.hear(), *alice.hear(), *alice.hear()]), 20)


class PromptTests(DoorCase):
    """Nobody waits for the next turn of the reactor who need not."""

    def test_answers_are_written_when_what_came_was_taken_and_all_at_once(self) -> None:
        alice = self.peer()
        written: list[bytes] = []
        self.patch(alice.wire, "write", written.append)
        alice.protocol.dataReceived(b"#1 PING\n#2 PING\n#3 PI")
        self.assertEqual([piece.count(b"PONG") for piece in written], [2])
        alice.protocol.dataReceived(b"NG\n")
        self.assertEqual(len(written), 2)
        self.clock.advance(1)
        self.assertEqual(len(written), 2)

    def test_what_others_say_is_written_by_the_end_of_the_turn_and_after_an_answer_too(self) -> None:
        alice, bob = self.peer(), self.peer()
        alice.say("LOGIN", "SUBSCRIBE a")
        bob.say("LOGIN", "PUBLISH a :one", "PUBLISH a :two")
        self.assertEqual([event.payload.data for event in alice.hear()], [b"one", b"two"])  # type: ignore[union-attr]
        alice.say("PING")
        bob.say("PUBLISH a :three")
        self.assertEqual([event.payload.data for event in alice.hear()], [b"three"])  # type: ignore[union-attr]


class ConversationTests(DoorCase):
    """What is said."""

    def test_it_listens_for_the_end_of_the_handshake(self) -> None:
        verifyObject(IHandshakeListener, LineProtocol(self.factory))

    def test_the_greeting_tells_what_a_proof_needs(self) -> None:
        (greeting,) = Peer(self).hear()
        assert isinstance(greeting, events.Greeted)
        self.assertEqual((greeting.version, greeting.server, greeting.nonce), ("1", "pkid", NONCE))
        self.assertIn("ed25519", greeting.schemes)
        self.assertIn("SCRAM-SHA-256", greeting.schemes)

    def test_without_tls_nothing_is_offered_that_needs_it(self) -> None:
        (greeting,) = Peer(self).hear()
        assert isinstance(greeting, events.Greeted)
        self.assertEqual(set(greeting.schemes) & {"SCRAM-SHA-256-PLUS", "tls_client_certificate", "PLAIN"}, set())

    def test_anybody_may_publish_and_subscribe_what_is_public(self) -> None:
        alice, bob = self.peer(), self.peer()
        self.assertEqual(alice.say("SUBSCRIBE news/*"), [events.Succeeded("", None)])
        self.assertEqual(bob.say("publish news/today hello world"), [])
        (message,) = alice.hear()
        assert isinstance(message, events.Delivered)
        self.assertEqual(
            (message.topic, message.payload.data, message.pattern), ("news/today", b"hello world", "news/*")
        )

    def test_answers_come_under_the_id_of_their_request(self) -> None:
        refused = self.peer().say("#a UNSUBSCRIBE a", "#b SUBSCRIBE a*", "#c PUBLISH a +qos=1 x")
        codes = [(event.request, getattr(event, "code", "")) for event in refused]  # type: ignore[union-attr]
        self.assertEqual(codes, [("a", ""), ("b", "bad-topic"), ("c", "")])

    def test_a_call_is_answered(self) -> None:
        caller, exposer = self.peer(), self.peer()
        exposer.say("EXPOSE add")
        self.assertEqual(caller.say("#1 CALL add +within=2 1 2"), [])
        (call,) = exposer.hear()
        assert isinstance(call, events.Invoked)
        self.assertEqual((call.topic, call.payload.data, call.seconds), ("add", b"1 2", 2.0))
        exposer.say(f"ANSWER {call.number} 3")
        (answer,) = caller.hear()
        assert isinstance(answer, events.Succeeded)
        assert answer.payload is not None
        self.assertEqual((answer.request, answer.payload.data), ("1", b"3"))

    def test_each_is_asked_and_answers(self) -> None:
        self.assertEqual(self.peer().say("#1 ping", "PONG"), [Pong("1")])

    def test_help_tells_each_verb(self) -> None:
        (answer,) = self.peer().say("HELP")
        assert isinstance(answer, events.Succeeded)
        assert answer.payload is not None
        told = {line.split(" ")[0] for line in answer.payload.data.decode().splitlines()}
        self.assertEqual(set(ARITIES) - told, set())
        self.assertLess(max(map(len, USAGE.splitlines())), 100)

    def test_the_notice_of_the_end_is_passed_on(self) -> None:
        peer = self.peer()
        peer.protocol.send(Draining())
        self.assertEqual(peer.hear(), [events.Drains()])

    def test_rights_are_changed_by_admins(self) -> None:
        root = self.peer()
        AssignRole("root", "admin").apply(self.messaging.broker.rights)
        root.say("#1 PROVE root tls_client_certificate")
        self.messaging.answer(Admitted("root"))
        self.assertEqual(root.hear(), [events.Welcomed("1", "root", True, b"", "")])
        self.assertEqual(root.say("#2 PRIVATE_TOPIC my_topic"), [events.Succeeded("2", None)])
        (refused,) = self.peer().say("PUBLISH my_topic x")
        assert isinstance(refused, events.Errored)
        self.assertEqual(refused.code, "forbidden")


class LoginTests(DoorCase):
    """While a login is under way, nothing further is read."""

    def test_what_comes_behind_a_login_waits_for_it(self) -> None:
        alice = self.peer()
        self.assertEqual(alice.say("#1 LOGIN alice", "#2 SUBSCRIBE a"), [])
        self.assertEqual(alice.wire.producerState, "paused")
        self.messaging.answer(Known(()))
        welcome, subscribed = alice.hear()
        self.assertEqual(welcome, events.Welcomed("1", "alice", False, b"", ""))
        self.assertEqual(subscribed, events.Succeeded("2", None))
        self.assertEqual(alice.wire.producerState, "producing")

    def test_a_name_with_a_key_is_challenged(self) -> None:
        alice = self.peer()
        alice.say("LOGIN alice")
        self.messaging.answer(Known(("ed25519",)))
        self.assertEqual(alice.hear(), [events.Challenged("", NONCE, ("ed25519",))])

    def test_a_wrong_proof_ends_the_connection(self) -> None:
        alice = self.peer()
        alice.say("#1 PROVE alice tls_client_certificate", "PUBLISH a hello")
        self.messaging.answer(Denied())
        failed, closed = alice.hear()
        assert isinstance(failed, events.Errored)
        assert isinstance(closed, events.Closed)
        self.assertEqual((failed.code, closed.code), ("proof-failed", "login-failed"))
        self.assertTrue(alice.wire.disconnecting)


class ClosingTests(DoorCase):
    """How a connection ends."""

    def test_a_client_may_leave(self) -> None:
        peer = self.peer()
        (closed,) = peer.say("BYE", "PING")
        assert isinstance(closed, events.Closed)
        self.assertEqual(closed.code, "left")
        self.assertTrue(peer.wire.disconnecting)
        self.assertIsNone(peer.wire.producer, "TLS takes no leave while a producer may have more")

    def test_what_comes_after_the_end_is_not_looked_at(self) -> None:
        peer = self.peer()
        peer.say("BYE")
        self.assertEqual(peer.say("PING"), [])

    def test_a_client_that_stays_is_cut(self) -> None:
        peer = self.peer()
        peer.say("BYE")
        self.clock.advance(3)
        self.assertTrue(peer.wire.aborted)

    def test_the_session_hears_of_the_loss_and_no_time_runs_on(self) -> None:
        for ending in ("BYE", "PING"):
            peer = self.peer()
            peer.say("SUBSCRIBE a", ending)
            peer.protocol.connectionLost()
        self.assertEqual([session.told for session in self.messaging.sessions.values()], [["lost"], ["lost"]])
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_too_many_connections_are_told_so(self) -> None:
        def refuse() -> None:
            raise Unavailable(Reason.BUSY)

        self.messaging.refuse = refuse
        peer = Peer(self)
        (told,) = peer.hear()
        assert isinstance(told, events.Errored)
        self.assertEqual(told.code, "busy")
        self.assertTrue(peer.wire.disconnecting)
        peer.protocol.connectionLost()
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_connection_that_cannot_be_written_to_is_told_nothing(self) -> None:
        peer = self.peer()
        peer.protocol.close(CloseReason.LOST)
        self.assertEqual(peer.hear(), [])


class BudgetTests(DoorCase):
    """What strangers may take, and how long."""

    BUDGET = Budget(limits=Limits(line=100, payload=1000), login_bytes=500, handshakes_per_address=2)

    def test_a_silent_stranger_has_five_seconds(self) -> None:
        peer = self.peer()
        self.clock.advance(4.9)
        self.assertEqual(peer.hear(), [])
        self.clock.advance(0.1)
        self.assertEqual(peer.reason(), "login-time")

    def test_a_slow_stranger_has_no_more(self) -> None:
        peer = self.peer()
        for byte in b"PING ":
            self.clock.advance(1)
            peer.protocol.dataReceived(bytes([byte]))
        self.assertEqual(peer.reason(), "login-time")

    def test_who_says_something_has_a_minute_for_the_login(self) -> None:
        peer = self.peer()
        for _ in range(11):
            self.clock.advance(4.9)
            self.assertEqual(peer.say("PING"), [Pong()])
        self.clock.advance(6.2)
        self.assertEqual(peer.reason(), "login-time")

    def test_what_cannot_be_read_gives_no_time(self) -> None:
        peer = self.peer()
        self.clock.advance(4)
        peer.say("JUMP")
        self.clock.advance(1)
        self.assertEqual(peer.reason(), "login-time")

    def test_a_stranger_may_send_so_many_bytes(self) -> None:
        peer = self.peer()
        for _ in range(100):
            peer.say("PING")
        self.assertFalse(peer.wire.disconnecting)
        peer.protocol.dataReceived(b"\n")
        self.assertEqual(peer.reason(), "login-size")

    def test_who_is_in_may_send_more(self) -> None:
        peer = self.peer()
        peer.say("SUBSCRIBE a")
        peer.protocol.dataReceived(b"PUBLISH b +500\n" + b"x" * 500 + b"\n")
        self.clock.advance(60)
        self.assertFalse(peer.wire.disconnecting)

    def test_a_line_without_an_end_is_not_kept(self) -> None:
        peer = self.peer()
        peer.protocol.dataReceived(b"x" * 200)
        error, closed = peer.hear()
        assert isinstance(error, events.Errored)
        assert isinstance(closed, events.Closed)
        self.assertEqual((error.code, closed.code), ("bad-line", "malformed"))

    def test_a_body_that_is_too_large_is_refused_before_it_comes(self) -> None:
        peer = self.peer()
        error, closed = peer.say("#1 PUBLISH a +1001")
        assert isinstance(error, events.Errored)
        assert isinstance(closed, events.Closed)
        self.assertEqual((error.request, error.code, closed.code), ("1", "limit", "malformed"))

    def test_lines_in_a_row_that_cannot_be_read_end_the_connection(self) -> None:
        peer = self.peer()
        peer.say("SUBSCRIBE a", *["JUMP"] * 9, "PING", *["JUMP"] * 9)
        self.assertFalse(peer.wire.disconnecting)
        told = peer.say("JUMP")
        self.assertEqual(getattr(told[-1], "code", ""), "malformed")

    def test_a_silent_client_is_asked_and_then_left(self) -> None:
        peer = self.peer()
        peer.say("SUBSCRIBE a")
        self.clock.pump([299, 1])
        self.assertIn(Ping(), peer.hear())
        self.clock.advance(60)
        self.assertEqual(peer.reason(), "idle")

    def test_a_client_that_answers_stays(self) -> None:
        peer = self.peer()
        peer.say("SUBSCRIBE a")
        for _ in range(5):
            self.clock.pump([300, 30])
            self.assertEqual(peer.say("PONG"), [Ping()])
            self.clock.advance(30)
        self.assertFalse(peer.wire.disconnecting)

    def test_one_address_has_so_many_handshakes_at_a_time(self) -> None:
        self.assertTrue(self.factory.handshakes.begin("192.0.2.1"))
        self.assertTrue(self.factory.handshakes.begin("192.0.2.1"))
        self.assertTrue(Peer(self).wire.aborted)
        self.assertFalse(Peer(self, "192.0.2.2").wire.aborted)
        self.factory.handshakes.end("192.0.2.1")
        self.assertFalse(Peer(self).wire.aborted)


class TogetherTests(DoorCase):
    """There is one limit for all handshakes."""

    BUDGET = Budget(handshakes=2, first_word=timedelta(seconds=1))

    def test_all_addresses_share_it(self) -> None:
        for host in ("192.0.2.1", "192.0.2.2"):
            self.assertTrue(self.factory.handshakes.begin(host))
        self.assertTrue(Peer(self, "192.0.2.3").wire.aborted)


class BackpressureTests(DoorCase):
    """A client that does not read is neither written to nor read from."""

    POLICY = Policy(backlog_entries=5)

    def stalled(self) -> Peer:
        """Return a subscriber whose transport is full."""
        peer = self.peer()
        peer.say("SUBSCRIBE a")
        peer.fill()
        peer.protocol.write(b"\n" * 140_000)
        return peer

    def read(self, peer: Peer) -> list[events.Event]:
        """Have the client read all that it was sent, and return what there was."""
        peer.drain()
        return peer.hear()

    def test_messages_wait_in_the_broker_within_their_limit(self) -> None:
        peer, publisher = self.stalled(), self.peer()
        publisher.say(*[f"PUBLISH a {number}" for number in range(8)])
        self.assertEqual(peer.hear(), [])
        self.assertEqual([event.payload.data for event in self.read(peer)], [b"3", b"4", b"5", b"6", b"7"])  # type: ignore[union-attr]

    def test_a_transport_that_is_busy_for_a_turn_stops_nobody(self) -> None:
        peer, publisher = self.peer(), self.peer()
        peer.say("SUBSCRIBE a")
        peer.fill()
        publisher.say(*[f"PUBLISH a {number}" for number in range(8)])
        self.assertEqual(peer.say("PING"), [])
        self.assertEqual(len(self.read(peer)), 9)
        self.assertEqual([session.told for session in self.messaging.sessions.values()], [[], []])

    def test_its_commands_wait_too_because_they_have_answers(self) -> None:
        peer = self.stalled()
        self.assertEqual(peer.wire.producerState, "paused")
        self.assertEqual(peer.say("PING"), [])
        self.assertEqual(self.read(peer), [Pong()])
        self.assertEqual(peer.wire.producerState, "producing")

    def test_a_connection_that_is_left_while_it_is_held_back_hears_when_the_client_has_gone(self) -> None:
        peer = self.stalled()
        self.assertEqual(peer.wire.producerState, "paused")
        peer.protocol.close(CloseReason.LOST)
        self.assertEqual(peer.wire.producerState, "producing")

    def test_a_client_that_is_held_for_two_reasons_goes_on_when_both_are_over(self) -> None:
        peer = self.stalled()
        peer.protocol.hold()
        peer.drain()
        self.assertEqual(peer.wire.producerState, "paused")
        peer.protocol.proceed()
        self.assertEqual(peer.wire.producerState, "producing")

    def test_more_is_asked_for_until_there_is_no_more(self) -> None:
        peer = self.stalled()
        (session,) = self.messaging.sessions.values()
        publisher = self.peer()
        for _ in range(5):
            publisher.say("PUBLISH a +20000", "x" * 20_000)
        peer.drain()
        self.clock.pump([0] * 9)
        self.assertEqual(peer.wire.value().count(b"MESSAGE"), 5)
        self.assertEqual(session.told, ["pause", "ready", "ready", "ready", "ready"])

    def test_what_is_said_in_one_turn_is_one_write(self) -> None:
        peer, publisher = self.peer(), self.peer()
        peer.say("SUBSCRIBE a")
        written: list[bytes] = []
        peer.wire.write = written.append  # type: ignore[method-assign]
        publisher.say(*["PUBLISH a x"] * 10)
        self.assertEqual(len(written), 1)
        self.assertEqual(written[0].count(b"MESSAGE"), 10)

    def test_much_is_not_kept_until_the_end_of_the_turn(self) -> None:
        peer = self.peer()
        for _ in range(3):
            peer.protocol.write(b"x" * 40_000)
        self.assertEqual(len(peer.wire.value()), 80_000)
