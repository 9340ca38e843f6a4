"""What brokers of this protocol were found weak in does not hold here."""

from __future__ import annotations

from hashlib import sha256

from pkid.auth.plain import challenge_and_text
from pkid.broker.changes import AssignRole, Authorize, PrivateTopic
from pkid.broker.commands import View
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.topic import Pattern
from pkid.rembus import packets
from pkid.rembus.administration import COMMANDS
from pkid.rembus.factory import Framing, RembusFactory
from pkid.rembus.packets import Packet, Response
from tests.messaging.core import Core
from tests.rembus.peers import PlainPeer
from tests.support import Case

NOBODYS_TOPICS = ("python_service_install", "python_service_list", "julia_service_install", "python_subscriber_install")
PEM_HEAD = "-----BEGIN PUBLIC KEY-----"
OF_ADMINS = (
    "private_topic", "public_topic", "authorize", "unauthorize", "private_topics_config", "broker_config",
    "load_config", "save_config",
)  # fmt: skip
OF_THE_ENTITLED = ("subscribe", "unsubscribe", "expose", "unexpose")
OF_ALL = ("reactive", "setup")
"""A setup is for all, and each of its parts for those who are entitled to that."""
NONE = Payload(PayloadKind.CBOR, b"\x80")


def admin(cmd: str, topic: str = "t", id: int = 1, **data: object) -> packets.Admin:
    return packets.Admin(id, topic, {"cmd": cmd} | data)


def status(told: list[Packet]) -> int:
    """Return what was answered last."""
    answer = told[-1]
    assert isinstance(answer, Response), answer
    return int(answer.status)


class WeaknessTests(Case):
    def setUp(self) -> None:
        self.core = Core(keys=("keyed",))
        self.factory = RembusFactory(self.core.service, self.core.clock, "rembus-tcp", Framing.PLAIN)
        self.privatise()

    def privatise(self) -> None:
        """Have an admin and private topics, of which one is for a friend."""
        for change in (
            AssignRole("root", "admin"), PrivateTopic(Pattern("secret")), PrivateTopic(Pattern("a/secret")),
            Authorize(Pattern("secret"), "friend"),
        ):  # fmt: skip
            self.core.service.change(change, "operator")
        self.core.wait(1)

    def peer(self, name: str = "") -> PlainPeer:
        peer = PlainPeer(self.factory, self.core.clock)
        if name and (answer := status(self.settle(peer, packets.Identity(1, name)))) == 11:
            answer = status(self.settle(peer, packets.Attestation(2, name, b"good")))
        self.assertEqual(answer if name else 0, 0)
        return peer

    def settle(self, peer: PlainPeer, *said: Packet) -> list[Packet]:
        """Say something, and let the core's own answers come."""
        told = peer.say(*said)
        self.core.clock.advance(0)
        return told + peer.hear()

    # Names

    def test_each_command_is_for_whom_it_is_for(self) -> None:
        """A name without a key has no rights: neither those of an admin nor those on a private topic."""
        commands = (*OF_ADMINS, *OF_THE_ENTITLED, *OF_ALL)
        self.assertEqual(sorted(commands), sorted(COMMANDS))
        for name, key, allowed in (
            ("", False, OF_ALL), ("root", False, OF_ALL), ("friend", False, OF_ALL), ("keyed", True, OF_ALL),
            ("friend", True, {*OF_ALL, *OF_THE_ENTITLED}), ("root", True, {*OF_ALL, *OF_ADMINS}),
        ):  # fmt: skip
            if key:
                self.core.keys.names.add(name)
            for cmd in commands:
                peer = self.peer(name)
                answer = self.settle(peer, admin(cmd, "secret", cid="x", status=True, subscribers=["secret"]))
                self.core.wait(1)
                expected = 0 if cmd in allowed else 10
                self.assertEqual(status(answer + peer.hear()), expected, (name, key, cmd))
                peer.protocol.connectionLost()
                self.privatise()

    def test_a_session_does_not_change_its_name(self) -> None:
        peer = self.peer("alice")
        self.assertEqual(status(peer.say(packets.Identity(2, "root"))), 10)
        self.assertTrue(peer.wire.disconnecting)

    def test_a_key_cannot_be_had_in_passing_or_as_a_secret(self) -> None:
        """A proof is checked by what is stored alone, and an answer without a question ends its connection."""
        peer = self.peer()
        self.assertEqual(status(peer.say(packets.Attestation(5, "keyed", b"x"))), 10)
        self.assertTrue(peer.wire.disconnecting)
        peer = PlainPeer(self.factory, self.core.clock)
        self.assertEqual(status(self.settle(peer, packets.Identity(1, "keyed"))), 11)
        digest = sha256(challenge_and_text(b"n" * 32, PEM_HEAD)).digest()
        self.assertEqual(status(self.settle(peer, packets.Attestation(2, "keyed", digest))), 10)
        self.assertTrue(peer.wire.disconnecting)

    def test_a_challenge_has_32_bytes_and_one_attempt(self) -> None:
        peer = PlainPeer(self.factory, self.core.clock)
        (challenge,) = self.settle(peer, packets.Identity(1, "keyed"))
        assert isinstance(challenge, Response)
        self.assertEqual(len(challenge.data.data), 2 + 32)
        self.settle(peer, packets.Attestation(2, "keyed", b"x"), packets.Attestation(3, "keyed", b"good"))
        self.assertEqual([c.identity.component for c in self.core.service.connections()], [])

    def test_names_that_are_none_are_refused(self) -> None:
        for cid in ("", "a/b", "..", "../keys/root", "a b", "x" * 200, "a\0", "ws://host:8338"):
            peer = PlainPeer(self.factory, self.core.clock)
            self.assertEqual(status(self.settle(peer, packets.Identity(1, cid))), 10, cid)
            peer = PlainPeer(self.factory, self.core.clock)
            self.assertEqual(status(self.settle(peer, packets.Register(1, cid, "1234", b"key", 1))), 10, cid)

    # Topics

    def test_all_at_once_goes_around_no_check(self) -> None:
        subscriber, publisher = self.peer("mallory"), self.peer()
        subscriber.say(admin("setup", "__config__", exposers=["secret"], subscribers=["secret", "a/*", "**"]))
        publisher.say(packets.Publication(0, "secret", NONE), packets.Publication(0, "a/secret", NONE))
        self.assertEqual(subscriber.hear(), [])
        self.assertEqual(status(publisher.say(packets.Request(9, "secret", "mallory", NONE))), 10)

    def test_tenants_hear_nothing_of_one_another(self) -> None:
        """Neither by topics nor by patterns, nor by saying who is to answer."""
        self.core.service.declare(["org"])
        self.core.keys.names |= {"a.org", "b.org"}
        inside, other, outside = self.peer("a.org"), self.peer("b.org"), self.peer("keyed")
        for peer in (inside, other):
            peer.say(admin("setup", "__config__", exposers=["t/x"], subscribers=["t/x", "t/*", "**"]))
        outside.say(packets.Publication(0, "t/x", NONE))
        self.assertEqual(inside.hear() + other.hear(), [])
        self.assertEqual(status(self.settle(outside, packets.Request(5, "t/x", None, NONE))), 42)
        self.assertEqual(status(self.settle(outside, packets.Request(6, "t/x", "a.org", NONE))), 45)
        inside.say(packets.Publication(0, "t/x", NONE))
        self.assertEqual(len(other.hear()), 3)

    def test_nobody_installs_programs(self) -> None:
        for topic in NOBODYS_TOPICS:
            for target in (None, "pkid"):
                call = packets.Request(5, topic, target, NONE)
                self.assertEqual(status(self.peer().say(call)), 42, topic)

    def test_objects_of_another_language_are_never_read(self) -> None:
        subscriber, publisher = self.peer(), self.peer()
        subscriber.say(admin("setup", "__config__", subscribers=["t"]))
        thing = Payload(PayloadKind.CBOR, b"\x81\xd8\x1b\x82\x43\x01\x02\x03\xa0")
        publisher.say(packets.Publication(0, "t", thing))
        self.assertEqual(subscriber.hear(), [packets.Publication(0, "t", thing)])

    # What others pay for

    def test_what_is_out_of_place_costs_its_sender_alone(self) -> None:
        bystander = self.peer()
        for data in (
            b"\x82\x05", b"\x84\x04\x48" + bytes(8) + b"\x00\x00", b"\x84\x03\x48" + bytes(8) + b"\x61t\xf6",
            b"\x84\x03\x48" + bytes(8) + b"\x61t\xa1\x63cmd\x69authorize",
            b"\x84\x03\x48" + bytes(8) + b"\x61t\xa1\x63cmd\x68reactive",
            b"\x84\x03\x48" + bytes(8) + b"\x61t\xa2\x63cmd\x69subscribe\x65rmark\x81\xc2\x50" + bytes(range(16)),
        ):  # fmt: skip
            peer = self.peer()
            peer.protocol.dataReceived(b"\x81" + bytes((len(data),)) + data)
            self.assertEqual(status(self.settle(bystander, packets.Request(5, "rid", None, NONE))), 0)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_client_that_left_while_it_logged_in_is_no_trouble(self) -> None:
        bystander, peer = self.peer(), PlainPeer(self.factory, self.core.clock)
        self.core.keys.slow = True
        peer.say(packets.Identity(1, "alice"))
        peer.protocol.connectionLost()
        for waiting in self.core.keys.waiting:
            waiting.callback(None)
        self.assertEqual(status(self.settle(bystander, packets.Request(5, "rid", None, NONE))), 0)
        self.assertEqual((len(self.core.service.connections()), self.flushLoggedErrors()), (1, []))

    def test_of_strangers_that_left_nothing_stays(self) -> None:
        before = self.core.service.figures
        for _ in range(10):
            peer = self.peer()
            peer.say(admin("setup", "__config__", exposers=["t"], subscribers=["t", "t/*"]))
            peer.protocol.connectionLost()
        self.assertEqual(self.core.service.figures, before)
        self.assertEqual(self.core.service.look(View.TOPICS), ())

    def test_a_subscriber_that_never_answers_holds_up_nobody(self) -> None:
        silent, publisher = self.peer("silent"), self.peer()
        silent.say(admin("setup", "__config__", subscribers=["t"]))
        for number in range(500):
            sent = packets.Publication(number, "t", NONE, QoS.AT_LEAST_ONCE)
            self.assertEqual(publisher.say(sent), [packets.Ack(number)])

    def test_a_slow_exposer_holds_up_no_other_call(self) -> None:
        exposer, callers = self.peer(), [self.peer(), self.peer()]
        exposer.say(admin("expose"))
        for caller in callers:
            caller.say(packets.Request(1, "t", None, NONE))
        asked = [packet.id for packet in exposer.hear()]
        exposer.say(Response(asked[1], 0, NONE))
        self.assertEqual((callers[0].hear(), callers[1].hear()), ([], [Response(1, 0, NONE)]))
        self.core.wait(11)
        self.assertEqual(status(callers[0].hear()), 10)

    def test_what_was_never_asked_is_no_answer(self) -> None:
        exposer, caller, other = self.peer(), self.peer(), self.peer()
        exposer.say(admin("expose"))
        caller.say(packets.Request(1, "t", None, NONE))
        (asked,) = exposer.hear()
        other.say(Response(asked.id, 0, NONE))
        self.assertEqual(caller.hear(), [])
