"""One connection of the Rembus door, over a transport in memory, with the broker behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.task import Clock
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong
from zope.interface.verify import verifyObject

from pkid.auth.proofs import PlainProof
from pkid.auth.schemes import PLAIN
from pkid.broker.effects import Authenticate, CloseReason
from pkid.broker.inputs import Admitted, Denied, Known
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.policy import Policy
from pkid.errors import Reason, Unavailable
from pkid.rembus import packets
from pkid.rembus.budget import Budget
from pkid.rembus.conversation import GREETING
from pkid.rembus.factory import Framing, RembusFactory
from pkid.rembus.packets import Response
from tests.line.service import NONCE, MemoryMessaging
from tests.rembus.peers import PlainPeer, WebSocketPeer
from tests.rembus.test_handshake import REQUEST
from tests.support import Case

ONE = Payload(PayloadKind.CBOR, b"\x81\x01")
CHALLENGE = Payload(PayloadKind.CBOR, b"\x58\x20" + NONCE)
SHORT = Budget(message=100, login_bytes=300, handshakes_per_address=2, handshakes=3)


def admin(cmd: str, topic: str = "t", id: int = 1, **data: object) -> packets.Admin:
    return packets.Admin(id, topic, {"cmd": cmd} | data)


class DoorCase(Case):
    """A door without TLS."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.serve()

    def serve(self, budget: Budget | None = None, *, authenticated: bool = False) -> None:
        """Begin anew."""
        self.messaging = messaging = MemoryMessaging(self.clock, Policy(authenticated=authenticated))
        self.web = RembusFactory(
            messaging, self.clock, "rembus-ws", Framing.WEBSOCKET, budget, authenticated=authenticated
        )
        self.plain = RembusFactory(
            messaging, self.clock, "rembus-tcp", Framing.PLAIN, budget, authenticated=authenticated
        )

    def web_peer(self) -> WebSocketPeer:
        peer = WebSocketPeer(self.web, self.clock)
        peer.open()
        return peer

    def plain_peer(self) -> PlainPeer:
        return PlainPeer(self.plain, self.clock)


class ConversationTests(DoorCase):
    """What is said."""

    def test_it_listens_for_the_end_of_the_handshake(self) -> None:
        verifyObject(IHandshakeListener, self.plain.buildProtocol(None))

    def test_clients_of_both_framings_understand_one_another(self) -> None:
        for subscriber, publisher in (
            (self.plain_peer(), self.web_peer()), (self.web_peer(), self.plain_peer()),
        ):  # fmt: skip
            subscriber.say(admin("subscribe"), admin("reactive", status=True))
            publisher.say(packets.Publication(0, "t", ONE))
            self.assertEqual(subscriber.say(packets.Ack(99)), [packets.Publication(0, "t", ONE)])

    def test_who_speaks_json_is_answered_in_json_and_who_speaks_cbor_in_cbor(self) -> None:
        peer = self.web_peer()
        request = {"jsonrpc": "2.0", "id": 5, "method": "t", "params": {"type": 3, "data": {"cmd": "subscribe"}}}
        (answer,) = peer.say_text(json.dumps(request))
        self.assertEqual(json.loads(answer), {"jsonrpc": "2.0", "id": 5, "result": {"type": 4, "sts": 0, "data": None}})
        self.assertEqual(peer.say(admin("reactive", status=True, id=6)), [Response(6, 0)])
        request = {"jsonrpc": "2.0", "id": "7", "method": "nobody", "params": []}
        (answer,) = peer.say_text(json.dumps(request))
        self.assertEqual(json.loads(answer)["error"], {"__type__": 4, "sts": 42, "data": "nobody"})
        peer.say_text('{"jsonrpc":"2.0","method":"x","params":[]}')
        self.plain_peer().say(packets.Publication(0, "t", ONE))
        self.assertEqual(peer.hear(), ['{"jsonrpc":"2.0","method":"t","params":[1]}'])

    def test_names_that_speak_json_hear_of_one_another(self) -> None:
        """Where brokers pass on who subscribed, numbers of 128 bits went with it, and JSON has none."""
        speakers = []
        for name in ("alice", "bob"):
            peer = self.web_peer()
            peer.say_text(f'{{"jsonrpc":"2.0","id":1,"method":"__identity__","params":{{"type":0,"cid":"{name}"}}}}')
            self.messaging.answer(Known(()))
            data = '{"cmd":"setup","subscribers":["t"],"exposers":["e"]}'
            peer.say_text(f'{{"jsonrpc":"2.0","id":2,"method":"x","params":{{"type":3,"data":{data}}}}}')
            speakers.append(peer)
        speakers[0].say_text('{"jsonrpc":"2.0","method":"t","params":[1]}')
        self.assertEqual(speakers[1].hear(), ['{"jsonrpc":"2.0","method":"t","params":[1]}'])

    def test_a_call_is_answered_across_encodings(self) -> None:
        exposer, caller = self.plain_peer(), self.web_peer()
        exposer.say(admin("expose", "add"))
        caller.say_text('{"jsonrpc":"2.0","id":3,"method":"add","params":["\u00fc"]}')
        (call,) = exposer.hear()
        assert isinstance(call, packets.Request)
        self.assertEqual((call.topic, call.data.data), ("add", b"\x81\x62\xc3\xbc"))
        exposer.say(Response(call.id, 0, Payload(PayloadKind.CBOR, b"\x43abc")))
        (answer,) = caller.hear()
        self.assertEqual(json.loads(answer)["result"], {"type": 4, "sts": 0, "data": "YWJj"})

    def test_each_quality_of_service_on_both_ways(self) -> None:
        subscriber, publisher = self.plain_peer(), self.plain_peer()
        subscriber.say(admin("subscribe"), admin("reactive", status=True))
        for qos in (QoS.AT_LEAST_ONCE, QoS.EXACTLY_ONCE):
            for slotted in (False, True):
                sent = packets.Publication(qos << 40 | slotted << 32 | 7, "t", ONE, qos, slotted)
                self.assertEqual(publisher.say(sent), [packets.Ack(sent.id)])
                (got,) = subscriber.hear()
                self.assertEqual(got, replace(sent, id=got.id))
                released = [packets.Ack2(got.id)] if qos is QoS.EXACTLY_ONCE else []
                self.assertEqual(subscriber.say(packets.Ack(got.id)), released)
        self.clock.advance(60)
        self.messaging.tick()
        self.assertEqual(subscriber.hear(), [])

    def test_what_never_gets_to_the_broker_is_answered(self) -> None:
        self.assertEqual(self.plain_peer().say(admin("shutdown")), [Response(1, 47)])


class LoginTests(DoorCase):
    """Names and their proofs."""

    def test_what_comes_behind_a_login_waits_for_it(self) -> None:
        for peer in (self.plain_peer(), self.web_peer()):
            self.assertEqual(peer.say(packets.Identity(1, "alice"), admin("subscribe", id=2)), [])
            self.assertEqual(peer.wire.producerState, "paused")
            self.messaging.answer(Known(()))
            self.assertEqual(peer.say(), [Response(1, 0), Response(2, 0)])
            self.assertEqual(peer.wire.producerState, "producing")
            peer.protocol.connectionLost()

    def test_a_name_with_a_key_is_proven_by_a_plain_proof(self) -> None:
        peer = self.plain_peer()
        peer.say(packets.Identity(1, "alice"))
        self.messaging.answer(Known(("plain_ecdsa_sha256",)))
        self.assertEqual(peer.hear(), [Response(1, 11, CHALLENGE)])
        peer.say(packets.Attestation(2, "alice", b"signature"))
        asked = self.messaging.asked[0]
        assert isinstance(asked, Authenticate)
        self.assertEqual((asked.proof, asked.challenge), (PlainProof(b"signature"), NONCE))
        self.messaging.answer(Admitted("alice"))
        self.assertEqual(peer.hear(), [Response(2, 0)])

    def test_a_wrong_proof_is_told_and_ends_the_connection(self) -> None:
        peer = self.web_peer()
        peer.say(packets.Identity(1, "alice"))
        self.messaging.answer(Known(("plain_ecdsa_sha256",)))
        peer.say(packets.Attestation(2, "alice", b"signature"))
        self.messaging.answer(Denied())
        self.assertEqual(peer.code(), 1008)
        self.assertTrue(peer.wire.disconnecting)

    def test_only_the_plain_kinds_of_proof_are_accepted(self) -> None:
        self.plain_peer()
        (session,) = self.messaging.sessions.values()
        self.assertEqual((session.approach.door, set(session.approach.accepted)), ("rembus-tcp", PLAIN))

    def test_where_only_proven_names_are_served_the_challenge_comes_unasked(self) -> None:
        self.serve(authenticated=True)
        for peer in (self.plain_peer(), self.web_peer()):
            self.assertEqual(peer.say(), [Response(GREETING, 11, CHALLENGE)])
        peer = self.plain_peer()
        peer.hear()
        peer.say(packets.Attestation(GREETING, "alice", b"signature"))
        self.messaging.answer(Admitted("alice"))
        self.assertEqual(peer.hear(), [Response(GREETING, 0)])

    def test_there_nothing_else_is_served(self) -> None:
        self.serve(authenticated=True)
        peer = self.web_peer()
        self.assertEqual(len(peer.say(packets.Request(2, "uptime", None, ONE))), 2)
        self.assertEqual(peer.code(), 1008)

    def test_there_is_little_time_for_a_proof(self) -> None:
        self.serve(authenticated=True)
        web, plain = self.web_peer(), self.plain_peer()
        self.clock.advance(10)
        self.assertEqual((web.code(), plain.wire.disconnecting), (1008, True))

    def test_there_little_is_read_before_a_proof(self) -> None:
        self.serve(SHORT, authenticated=True)
        peer = self.web_peer()
        peer.send(*[Ping(b"x" * 100)] * 3)
        self.assertEqual(peer.code(), 1009)
        peer = self.web_peer()
        peer.send(BytesMessage(bytes(301)))
        self.assertEqual(peer.code(), 1009)

    def test_behind_the_proof_messages_may_be_longer(self) -> None:
        self.serve(Budget(login_bytes=200), authenticated=True)
        peer = self.plain_peer()
        peer.say(packets.Attestation(GREETING, "alice", b"signature"))
        self.messaging.answer(Admitted("alice"))
        peer.say(packets.Ack(1))
        long = Payload(PayloadKind.CBOR, b"\x59\x01\x00" + bytes(256))
        self.assertEqual(peer.say(packets.Request(5, "nobody", None, long))[-1].id, 5)


class LimitTests(DoorCase):
    """What is not taken."""

    def test_what_cannot_be_read_ends_the_connection(self) -> None:
        for data in (b"", b"\x80", b"\x82\x05\x01"):
            peer = self.web_peer()
            peer.send(BytesMessage(data))
            self.assertEqual(peer.code(), 1002)
            self.assertTrue(peer.wire.disconnecting)
        stranger = self.plain_peer()
        stranger.protocol.dataReceived(b"GET / HTTP/1.1\r\n")
        self.assertTrue(stranger.wire.disconnecting)

    def test_text_that_cannot_be_read_is_answered_before_that(self) -> None:
        batch = '[{"jsonrpc":"2.0","id":1,"method":"t","params":[]}]'
        for text, code in (("{", -32700), ("\u00ff", -32700), ("{}", -32600), ("[]", -32600), (batch, -32600)):
            peer = self.web_peer()
            (answer,) = peer.say_text(text, text)
            told = json.loads(answer)
            self.assertEqual((told["jsonrpc"], told["id"], told["error"]["code"]), ("2.0", None, code))
            self.assertEqual("batches" in told["error"]["message"], text.startswith("["))
            self.assertEqual(peer.heard[-1:], [CloseConnection(1002, "what was sent could not be read")])

    def test_too_long_a_message_ends_the_connection(self) -> None:
        self.serve(SHORT)
        web, plain = self.web_peer(), self.plain_peer()
        web.send(BytesMessage(bytes(101)))
        self.assertEqual(web.code(), 1009)
        plain.protocol.dataReceived(b"\x81\x65")
        self.assertTrue(plain.wire.disconnecting)

    def test_what_comes_after_the_end_is_not_taken(self) -> None:
        peer = self.plain_peer()
        peer.protocol.dataReceived(b"\x00")
        peer.protocol.dataReceived(b"\x00")
        self.assertEqual(peer.hear(), [])
        self.clock.advance(3)
        self.assertTrue(peer.wire.aborted)

    def test_what_is_no_websocket_is_told_so(self) -> None:
        peer = WebSocketPeer(self.web, self.clock)
        self.assertTrue(peer.open(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 400 "))
        self.assertTrue(peer.wire.disconnecting)
        self.assertEqual(self.messaging.sessions, {})
        page = WebSocketPeer(self.web, self.clock)
        self.assertTrue(page.open(REQUEST.replace(b"Host", b"Origin: http://x\r\nHost")).startswith(b"HTTP/1.1 403 "))

    def test_frames_may_come_with_the_request(self) -> None:
        peer = WebSocketPeer(self.web, self.clock)
        peer.open(REQUEST + peer.connection.send(Ping(b"?")))
        peer.hear()
        self.assertEqual(peer.heard, [Pong(b"?")])

    def test_who_does_not_shake_hands_in_time_is_cut_off(self) -> None:
        for peer in (WebSocketPeer(self.web, self.clock), WebSocketPeer(self.web, self.clock)):
            peer.protocol.dataReceived(REQUEST[:-1])
            self.clock.advance(5)
            self.assertTrue(peer.wire.aborted)

    def test_there_are_so_many_handshakes_at_a_time(self) -> None:
        self.serve(SHORT)
        peers = [WebSocketPeer(self.web, self.clock) for _ in range(3)]
        self.assertEqual([peer.wire.aborted for peer in peers], [False, False, True])
        others = [WebSocketPeer(self.web, self.clock, host) for host in ("192.0.2.7", "192.0.2.8")]
        self.assertEqual([peer.wire.aborted for peer in others], [False, True])
        peers[0].open()
        self.assertFalse(WebSocketPeer(self.web, self.clock).wire.aborted)
        for peer in (*peers, *others):
            peer.protocol.connectionLost()

    def test_when_there_is_no_place_that_is_said(self) -> None:
        def refuse() -> None:
            raise Unavailable(Reason.BUSY)

        self.messaging.refuse = refuse
        peer = self.web_peer()
        self.assertEqual(peer.code(), 1013)
        self.assertTrue(peer.wire.disconnecting)
        self.assertTrue(self.plain_peer().wire.disconnecting)

    def test_a_slow_reader_is_written_and_read_no_more(self) -> None:
        peer, publisher = self.plain_peer(), self.plain_peer()
        peer.say(admin("subscribe"), admin("reactive", status=True))
        assert peer.wire.producer is not None
        peer.wire.producer.pauseProducing()
        filler = bytes(140_000)
        peer.protocol.write(filler)
        publisher.say(packets.Publication(0, "t", ONE))
        self.assertEqual(peer.say(admin("unsubscribe", "x")), [])
        self.assertEqual(peer.wire.producerState, "paused")
        peer.wire.producer.resumeProducing()
        self.assertTrue(peer.wire.value().startswith(filler))
        peer.wire.clear()
        self.assertEqual(peer.hear(), [packets.Publication(0, "t", ONE), Response(1, 0)])
        self.assertEqual(peer.wire.producerState, "producing")


class SilenceTests(DoorCase):
    """Whoever says nothing."""

    def test_a_silent_websocket_is_asked_and_then_closed(self) -> None:
        peer = self.web_peer()
        self.clock.advance(60)
        peer.hear()
        self.assertIsInstance(peer.heard[-1], Ping)
        peer.send(Pong(b""))
        self.clock.advance(60)
        peer.hear()
        self.clock.advance(30)
        self.assertEqual(peer.code(), 1001)

    def test_a_silent_stream_cannot_be_asked(self) -> None:
        peer = self.plain_peer()
        self.clock.advance(timedelta(days=1).total_seconds())
        self.assertEqual((peer.hear(), peer.wire.disconnecting), ([], False))

    def test_a_ping_is_answered_and_a_goodbye_too(self) -> None:
        peer = self.web_peer()
        peer.ping()
        peer.hear()
        self.assertEqual(peer.heard, [Pong(b"?")])
        peer.send(CloseConnection(1000))
        self.assertEqual(peer.code(), 1000)
        peer.protocol.connectionLost()
        (session,) = self.messaging.sessions.values()
        self.assertEqual(session.told, ["lost"])

    def test_half_a_code_is_no_goodbye(self) -> None:
        peer = self.web_peer()
        peer.protocol.dataReceived(b"\x88\x81\x00\x00\x00\x00\x03")
        self.assertEqual(peer.code(), 1002)

    def test_each_end_has_its_code(self) -> None:
        for reason, code in (
            (CloseReason.REPLACED, 4000), (CloseReason.DRAINING, 1001), (CloseReason.OVERFLOW, 1013),
            (CloseReason.EXPELLED, 1008),
        ):  # fmt: skip
            peer = self.web_peer()
            peer.protocol.close(reason)
            self.assertEqual(peer.code(), code)
        peer = self.web_peer()
        peer.protocol.close(CloseReason.LOST)
        self.assertEqual((peer.hear(), peer.heard, peer.wire.disconnecting), ([], [], True))
