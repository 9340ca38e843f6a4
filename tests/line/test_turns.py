"""One connection of the line door that says much at once leaves others their turn."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from pkid.broker.commands import View
from pkid.line.budget import Budget
from tests.line.test_protocol import DoorCase, Peer

TURN = 64


class TurnTests(DoorCase):
    BUDGET = Budget(turn=TURN)

    def setUp(self) -> None:
        super().setUp()
        self.listener = self.peer()
        self.listener.say("SUBSCRIBE a")

    def send(self, peer: Peer, number: int) -> None:
        """Have lines arrive, and no turn pass."""
        peer.protocol.dataReceived(b"PUBLISH a x\n" * number)

    def heard(self) -> int:
        """Let one turn of the reactor pass, and return how many messages came; what is due anew waits for the next."""
        due: list[Any] = [call for call in self.clock.getDelayedCalls() if call.getTime() <= self.clock.seconds()]
        for call in due:
            work = partial(call.func, *call.args, **call.kw)
            call.cancel()
            work()
        wire, reader = self.listener.wire, self.listener.reader
        reader.feed(wire.value())
        wire.clear()
        return len(list(iter(reader.read, None)))

    def sessions(self) -> int:
        return len(self.messaging.broker.look(View.SESSIONS))

    def test_what_is_too_much_for_a_turn_is_read_in_the_next_ones(self) -> None:
        speaker = self.peer()
        self.send(speaker, 2 * TURN + 1)
        self.assertEqual(speaker.wire.producerState, "paused")
        self.assertEqual([self.heard() for _ in range(4)], [TURN, TURN, 1, 0])
        self.assertEqual(speaker.wire.producerState, "producing")

    def test_it_does_not_matter_in_how_many_pieces_it_comes(self) -> None:
        speaker = self.peer()
        for _ in range(TURN + 1):
            self.send(speaker, 1)
        self.assertEqual([self.heard() for _ in range(2)], [TURN, 1])

    def test_others_are_served_meanwhile(self) -> None:
        fast, slow = self.peer(), self.peer()
        self.send(fast, 10 * TURN)
        slow.protocol.dataReceived(b"#1 PUBLISH a +qos=1 x\n")
        self.assertEqual(self.heard(), TURN + 1)

    def test_what_came_before_the_end_of_a_connection_is_done(self) -> None:
        speaker = self.peer()
        self.send(speaker, 3 * TURN)
        speaker.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual([self.heard(), self.sessions()], [TURN, 2])
        self.assertEqual([self.heard() for _ in range(3)], [TURN, TURN, 0])
        self.assertEqual(self.sessions(), 1)

    def test_a_held_connection_does_not_go_on_with_the_next_turn(self) -> None:
        speaker = self.peer()
        self.send(speaker, TURN + 1)
        speaker.protocol.hold()
        self.assertEqual([self.heard() for _ in range(2)], [TURN, 0])
        self.assertEqual(speaker.wire.producerState, "paused")
        speaker.protocol.proceed()
        self.assertEqual(self.heard(), 1)
        self.assertEqual(speaker.wire.producerState, "producing")
