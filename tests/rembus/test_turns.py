"""One connection of the Rembus door that says much at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from twisted.internet.task import Clock
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, Event, Ping

from pkid.broker.commands import Acknowledge, AcknowledgeBatch, Command, Publish, PublishBatch
from pkid.broker.effects import CloseReason
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind, Payloads
from pkid.messaging.protocol import DoorProtocol
from pkid.rembus import packets
from pkid.rembus.budget import Budget
from pkid.rembus.cbor import CBOR
from tests.messaging import turns
from tests.messaging.turns import TURN
from tests.rembus.test_protocol import ONE, DoorCase, admin


def ticking(clock: Clock) -> Callable[[], float]:
    """Return a clock's time, which goes on by a millisecond each time that it is asked for."""
    ticks = count()
    return lambda: clock.rightNow + 0.001 * next(ticks)


class TurnTests(DoorCase, turns.TurnContract):
    def setUp(self) -> None:
        super().setUp()
        self.serve(Budget(turn=turns.TURN))
        self.listener = self.plain_peer()
        self.listener.say(admin("subscribe", "a"), admin("reactive", status=True))

    def speaker(self) -> DoorProtocol:
        return self.web_peer().protocol

    def send(self, speaker: DoorProtocol, number: int) -> None:
        self.send_events(speaker, BytesMessage(CBOR.encode(packets.Publication(0, "a", ONE))), number)

    def send_talk(self, speaker: DoorProtocol, number: int) -> None:
        self.send_events(speaker, Ping(), number)

    def send_events(self, speaker: DoorProtocol, event: Event, number: int) -> None:
        """Have frames arrive in one piece."""
        speaker.dataReceived(Connection(ConnectionType.CLIENT).send(event) * number)

    def taken(self) -> int:
        wire = self.listener.wire
        data = wire.value()
        wire.clear()
        return len(self.listener.reader.feed(data))

    def test_a_long_message_waits_for_its_turn_and_has_it_alone(self) -> None:
        """It may take longer to read than a turn should."""
        speaker = self.speaker()
        long = packets.Publication(0, "a", Payload(PayloadKind.CBOR, b"\x59\x20\x00" + bytes(1 << 13)))
        self.send_events(speaker, BytesMessage(CBOR.encode(long)), 2)
        self.send(speaker, 1)
        self.assertEqual([self.heard() for _ in range(4)], [0, 1, 2, 0])

    def given(self, *data: bytes, metered: bool = False) -> list[Command]:
        """Return what the session of a client is given, which says these things in one piece."""
        speaker = self.web_peer()
        session = self.messaging.sessions[max(self.messaging.sessions)]
        session.is_metered = metered
        speaker.say(packets.Publication(0, "a", ONE))
        given: list[Command] = []
        self.patch(session, "receive", given.append)
        self.patch(session, "disconnect", lambda reason: given.append(reason))
        client = Connection(ConnectionType.CLIENT)
        speaker.protocol.dataReceived(b"".join(client.send(BytesMessage(each)) for each in data))
        return given

    def test_publications_on_one_topic_that_come_together_are_given_together(self) -> None:
        a, b = (CBOR.encode(packets.Publication(0, topic, ONE)) for topic in "ab")
        kept = CBOR.encode(packets.Publication(5, "a", ONE, QoS.AT_LEAST_ONCE))
        one, two = Publish(None, "b", ONE, 2), Payloads(PayloadKind.CBOR, (ONE.data,) * 2)
        self.assertEqual(
            self.given(a, a, b, a, a, kept, CBOR.encode(packets.Ack(7)), b),
            [
                PublishBatch(None, "a", two), one, PublishBatch(None, "a", two),
                Publish(5, "a", ONE, 2, QoS.AT_LEAST_ONCE), Acknowledge(None, 7), one,
            ],
        )  # fmt: skip
        self.assertEqual(self.given(b, b, metered=True), [one, one])

    def test_acknowledged_publications_on_one_topic_and_acknowledgements_are_each_given_together(self) -> None:
        def said(id: int, topic: str = "a", qos: QoS = QoS.AT_LEAST_ONCE, slotted: bool = False) -> bytes:
            return CBOR.encode(packets.Publication(id, topic, ONE, qos, slotted))

        plain, acks = said(0, qos=QoS.AT_MOST_ONCE), [CBOR.encode(packets.Ack(id)) for id in (7, 8, 1 << 63 | 9)]
        two = Payloads(PayloadKind.CBOR, (ONE.data,) * 2)
        self.assertEqual(
            self.given(said(1), said(2), said(3, "b"), plain, said(4), *acks, said(5, qos=QoS.EXACTLY_ONCE), said(6),
                       said(7, slotted=True)),
            [
                PublishBatch(None, "a", two, (1, 2)), Publish(3, "b", ONE, 2, QoS.AT_LEAST_ONCE),
                Publish(None, "a", ONE, 2), Publish(4, "a", ONE, 2, QoS.AT_LEAST_ONCE),
                AcknowledgeBatch(None, (7, 8)), Acknowledge(None, 0), Publish(5, "a", ONE, 2, QoS.EXACTLY_ONCE),
                Publish(6, "a", ONE, 2, QoS.AT_LEAST_ONCE), Publish(7, "a", ONE, 2, QoS.AT_LEAST_ONCE, 7),
            ],
        )  # fmt: skip

    def test_what_came_before_the_unreadable_is_given(self) -> None:
        b = CBOR.encode(packets.Publication(0, "b", ONE))
        together = PublishBatch(None, "b", Payloads(PayloadKind.CBOR, (ONE.data,) * 2))
        self.assertEqual(self.given(b, b, b"\xff", b), [together, CloseReason.MALFORMED])

    def test_what_cannot_be_read_ends_the_connection_after_what_could(self) -> None:
        speaker = self.speaker()
        self.send(speaker, 4 * TURN)
        speaker.dataReceived(b"\x83\x00")
        self.assertEqual([self.heard() for _ in range(5)], [TURN, TURN, TURN, TURN, 0])
        self.assertEqual(self.sessions(), 1)

    def test_parts_of_a_message_without_an_end_have_turns(self) -> None:
        speaker = self.speaker()
        self.clock.seconds = ticking(self.clock)  # type: ignore[method-assign]
        speaker.dataReceived(b"\x02\x80" + bytes(4) + (b"\x00\x80" + bytes(4)) * 10_000)
        self.assertEqual(self.state(speaker), "paused")
