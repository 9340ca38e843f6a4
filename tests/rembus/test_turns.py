"""One connection of the Rembus door that says much at once."""

from __future__ import annotations

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, Event, Ping

from pkid.broker.payload import Payload, PayloadKind
from pkid.messaging.protocol import DoorProtocol
from pkid.rembus import packets
from pkid.rembus.budget import Budget
from pkid.rembus.cbor import CBOR
from tests.messaging import turns
from tests.rembus.test_protocol import ONE, DoorCase, admin


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
