"""One connection of the line door that says much at once."""

from __future__ import annotations

from pkid.line.budget import Budget
from pkid.messaging.protocol import DoorProtocol
from tests.line.test_protocol import DoorCase
from tests.messaging import turns


class TurnTests(DoorCase, turns.TurnContract):
    BUDGET = Budget(turn=turns.TURN)

    def setUp(self) -> None:
        super().setUp()
        self.listener = self.peer()
        self.listener.say("SUBSCRIBE a")

    def speaker(self) -> DoorProtocol:
        return self.peer().protocol

    def send(self, speaker: DoorProtocol, number: int) -> None:
        speaker.dataReceived(b"PUBLISH a x\n" * number)

    def send_talk(self, speaker: DoorProtocol, number: int) -> None:
        speaker.dataReceived(b"PING\n" * number)

    def taken(self) -> int:
        wire, reader = self.listener.wire, self.listener.reader
        reader.feed(wire.value())
        wire.clear()
        return len(list(iter(reader.read, None)))
