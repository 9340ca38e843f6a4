"""One connection of the line door that says much at once."""

from __future__ import annotations

from pkid.broker.commands import Publish, PublishBatch
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

    def test_of_what_is_read_together_a_turn_is_longer_by_so_much_as_it_costs_less(self) -> None:
        speaker = self.peer()
        speaker.protocol.dataReceived(b"PUBLISH a :x\n" * (8 * turns.TURN + 1))
        self.assertEqual([self.heard() for _ in range(4)], [4 * turns.TURN, 4 * turns.TURN, 1, 0])

    def test_where_commands_count_against_a_rate_nothing_is_read_together(self) -> None:
        speaker = self.peer()
        speaker.say("PING")
        session = self.messaging.sessions[max(self.messaging.sessions)]
        given: list[type] = []
        self.patch(session, "receive", lambda command: given.append(type(command)))
        for session.is_metered in (False, True):
            speaker.protocol.dataReceived(b"PUBLISH a :x\n" * 3)
        self.assertEqual(given, [PublishBatch, Publish, Publish, Publish])
