"""Packets as commands, and replies as packets."""

from __future__ import annotations

import cbor2

from pkid.auth.proofs import PlainProof
from pkid.auth.registration import Registration
from pkid.broker.changes import PrivateTopic
from pkid.broker.commands import (
    Acknowledge,
    Answer,
    Call,
    Complete,
    Identify,
    Inspect,
    Prove,
    Publish,
    Register,
    Unregister,
    View,
)
from pkid.broker.identity import ANONYMOUS
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.replies import (
    Acknowledged,
    Challenge,
    Done,
    Draining,
    Failed,
    Greet,
    Release,
    Welcome,
    Withdrawn,
)
from pkid.broker.topic import Pattern
from pkid.errors import Reason, Refused
from pkid.rembus import packets
from pkid.rembus.conversation import GREETING, Conversation
from pkid.rembus.names import Numbering
from pkid.rembus.packets import NOTHING, Response, Status
from tests.rembus.test_names import message
from tests.support import Case

DATA = Payload(PayloadKind.CBOR, b"\x81\x01")


def text(value: str) -> Payload:
    return Payload(PayloadKind.TEXT, value.encode())


class HearTests(Case):
    def test_each_packet_becomes_a_command(self) -> None:
        conversation = Conversation("core", Numbering())
        for packet, command in (
            (packets.Identity(1, "ws://h/ann"), Identify(1, "ann")),
            (packets.Attestation(1, "ann", b"s"), Prove(1, "ann", PlainProof(b"s"))),
            (packets.Register(1, "ann", "1234", b"key", 1), Register(1, "ann", Registration(b"key", "1234"))),
            (packets.Unregister(1), Unregister(1)),
            (packets.Publication(0, "t", DATA), Publish(None, "t", DATA, 2)),
            (packets.Publication(7, "t", DATA, slotted=True), Publish(None, "t", DATA, 2, slot=7)),
            (
                packets.Publication(1, "t", DATA, QoS.EXACTLY_ONCE, True),
                Publish(1, "t", DATA, 2, QoS.EXACTLY_ONCE, slot=1),
            ),
            (packets.Request(1, "t", None, DATA), Call(1, "t", DATA, 2)),
            (packets.Request(1, "t", "ws://h/bob", DATA), Call(1, "t", DATA, 2, "bob")),
            (packets.Request(1, "t", "core", DATA), Call(1, "t", DATA, 2)),
            (packets.Response(1, 0, DATA), Answer(None, 1, DATA, 2)),
            (packets.Response(1, 40, DATA), Answer(None, 1, DATA, 2, True)),
            (packets.Ack(1), Acknowledge(None, 1)),
            (packets.Ack2(1), Complete(1)),
        ):  # fmt: skip
            self.assertEqual(conversation.hear(packet), command)

    def test_what_never_gets_to_the_broker_is_answered(self) -> None:
        conversation = Conversation("core", Numbering())
        self.assertEqual(conversation.hear(packets.Admin(1, "t", {"cmd": "x"})), Response(1, Status.UNKNOWN_ADMIN_CMD))
        for packet in (packets.Admin(1, "t", None), packets.Admin(1, " ", {"cmd": "private_topic"})):
            answer = conversation.hear(packet)
            assert isinstance(answer, Response)
            self.assertEqual((answer.id, answer.status), (1, Status.ERROR))


class TellTests(Case):
    def test_each_reply_becomes_a_packet(self) -> None:
        conversation = Conversation("core", Numbering())
        challenge = Payload(PayloadKind.BYTES, b"c" * 32)
        for reply, packet in (
            (Greet(b"c" * 32), Response(GREETING, 11, challenge)),
            (Challenge(1, (), b"c" * 32), Response(1, 11, challenge)),
            (Welcome(1, ANONYMOUS, "beware"), Response(1, 0, NOTHING)),
            (Done(1, ("refused",)), Response(1, 0, NOTHING)),
            (Acknowledged(1), packets.Ack(1)),
            (Release(1), packets.Ack2(1)),
            (Withdrawn(1), None),
            (Draining(), None),
        ):  # fmt: skip
            self.assertEqual(conversation.tell(reply), packet)

    def test_why_not_is_told_by_the_numbers_that_clients_know(self) -> None:
        conversation = Conversation("core", Numbering())
        for reason, subject, status, told in (
            (Reason.NOT_EXPOSED, "t", 42, "t"), (Reason.NO_EXPOSER, "t", 43, "t"), (Reason.LOOPBACK, "t", 44, "t"),
            (Reason.EXPOSER_LOST, "t", 43, "t"), (Reason.TARGET_UNKNOWN, "'bob'", 45, "bob"),
            (Reason.TARGET_DOWN, "bob", 46, "bob"), (Reason.FORBIDDEN, "why", 10, "unauthorized"),
            (Reason.NAME_IN_USE, "bob", 10, "already connected"), (Reason.NOT_ADMIN, "", 10, "unauthorized"),
            (Reason.NAME_TAKEN, "ann", 60, str(Refused(Reason.NAME_TAKEN, "ann"))),
            (Reason.WRONG_PIN, "", 10, "wrong tenant/pin"),
            (Reason.CALL_TIMED_OUT, "t", 10, "t was not answered in time"),
        ):  # fmt: skip
            self.assertEqual(conversation.tell(Failed(1, reason, subject)), Response(1, status, text(told)))
        known = {0, 10, 11, 20, *range(40, 48), 60}
        for reason in Reason:
            failure = conversation.tell(Failed(1, reason, "x"))
            assert isinstance(failure, Response)
            self.assertIn(int(failure.status), known)

    def test_what_was_looked_at_has_the_form_that_the_command_asks_for(self) -> None:
        conversation = Conversation("core", Numbering())
        for cmd, expected in (("private_topics_config", {"t": []}), ("save_config", None)):
            looked = conversation.hear(packets.Admin(1, "__config__", {"cmd": cmd}))
            self.assertEqual(looked, Inspect(1, View.RIGHTS))
            told = conversation.tell(Done(1, (PrivateTopic(Pattern("t")),)))
            assert isinstance(told, Response)
            self.assertEqual(cbor2.loads(told.data.data), expected)

    def test_who_may_not_look_has_not_looked(self) -> None:
        conversation = Conversation("core", Numbering())
        conversation.hear(packets.Admin(1, "__config__", {"cmd": "private_topics_config"}))
        conversation.tell(Failed(1, Reason.NOT_ADMIN))
        self.assertEqual(conversation.tell(Done(1, ())), Response(1, 0, NOTHING))

    def test_a_receipt_goes_by_the_id_of_the_delivery(self) -> None:
        numbering = Numbering()
        conversation = Conversation("core", numbering)
        for slot in (None, 7):
            id = numbering.id_of(message(5, slot=slot))
            self.assertEqual(conversation.hear(packets.Ack(id)), Acknowledge(None, 5))
            self.assertEqual(conversation.tell(Release(5)), packets.Ack2(id))
