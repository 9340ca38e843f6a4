"""What holds at each door when one connection says much at once: others have their turn, and nothing said is lost.

The tests of a door inherit :class:`TurnContract` and say how its clients speak. It stands apart so that it is not run
itself.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from pkid.broker.commands import View
from pkid.broker.effects import CloseReason
from pkid.messaging.protocol import DoorProtocol
from tests.line.service import MemoryMessaging
from tests.line.test_protocol import Wire
from tests.support import Case

__all__ = ["TURN", "TurnContract"]

TURN = 64
"""Things said that the doors under test do in a turn."""


class TurnContract(Case):
    """The behaviour of one door; its tests make *clock* and *messaging*, and the listener."""

    clock: Clock
    messaging: MemoryMessaging

    def speaker(self) -> DoorProtocol:
        """Connect a client."""
        raise NotImplementedError

    def send(self, speaker: DoorProtocol, number: int) -> None:
        """Have so many publications arrive that need no answer, and no turn pass."""
        raise NotImplementedError

    def send_talk(self, speaker: DoorProtocol, number: int) -> None:
        """Have so many things said arrive that open no session, and no turn pass."""
        raise NotImplementedError

    def taken(self) -> int:
        """Return how many messages were written to the listener since the last time."""
        raise NotImplementedError

    def heard(self) -> int:
        """Let one turn of the reactor pass, and return how many messages came; what is due anew waits for the next."""
        due: list[Any] = [call for call in self.clock.getDelayedCalls() if call.getTime() <= self.clock.seconds()]
        for call in due:
            work = partial(call.func, *call.args, **call.kw)
            call.cancel()
            work()
        return self.taken()

    def sessions(self) -> int:
        """Return how many sessions the broker has."""
        return len(self.messaging.broker.look(View.SESSIONS))

    def leave(self, speaker: DoorProtocol) -> None:
        """End a client's connection."""
        speaker.connectionLost(Failure(ConnectionDone()))

    def wire(self, speaker: DoorProtocol) -> Wire:
        """Return what a client is written to."""
        return cast("Wire", speaker.transport)

    def state(self, speaker: DoorProtocol) -> str:
        """Tell whether a client is read from."""
        return self.wire(speaker).producerState

    def test_what_is_too_much_for_a_turn_is_done_in_the_next_ones(self) -> None:
        speaker = self.speaker()
        self.send(speaker, 2 * TURN + 1)
        self.assertEqual(self.state(speaker), "paused")
        self.assertEqual([self.heard() for _ in range(4)], [TURN, TURN, 1, 0])
        self.assertEqual(self.state(speaker), "producing")

    def test_it_does_not_matter_in_how_many_pieces_it_comes(self) -> None:
        speaker = self.speaker()
        for _ in range(TURN + 1):
            self.send(speaker, 1)
        self.assertEqual([self.heard() for _ in range(2)], [TURN, 1])

    def test_others_are_served_meanwhile(self) -> None:
        fast, slow = self.speaker(), self.speaker()
        self.send(fast, 10 * TURN)
        self.send(slow, 1)
        self.assertEqual(self.heard(), TURN + 1)

    def test_what_came_before_the_end_of_a_connection_is_done(self) -> None:
        speaker = self.speaker()
        self.send(speaker, 3 * TURN)
        self.leave(speaker)
        self.assertEqual([self.heard(), self.sessions()], [TURN, 2])
        self.assertEqual([self.heard() for _ in range(3)], [TURN, TURN, 0])
        self.assertEqual(self.sessions(), 1)

    def test_a_session_that_is_ended_meanwhile_does_nothing_more(self) -> None:
        """Nobody is there to be told."""
        speaker = self.speaker()
        self.send(speaker, 4 * TURN)
        self.leave(speaker)
        self.assertEqual(self.heard(), TURN)
        wire = self.wire(speaker)
        wire.clear()
        self.messaging.sessions[max(self.messaging.sessions)].disconnect(CloseReason.KICKED)
        self.assertEqual([self.heard() for _ in range(2)], [TURN, 0])
        self.assertEqual((wire.value(), self.sessions()), (b"", 1))

    def test_a_session_that_opens_when_its_client_is_gone_is_not_watched(self) -> None:
        before = len(self.clock.getDelayedCalls())
        speaker = self.speaker()
        self.send_talk(speaker, TURN)
        self.send(speaker, 1)
        self.leave(speaker)
        self.assertEqual([self.heard() for _ in range(2)], [0, 1])
        self.assertEqual((len(self.clock.getDelayedCalls()), self.sessions()), (before, 1))

    def test_a_held_connection_does_not_go_on_with_the_next_turn(self) -> None:
        speaker = self.speaker()
        self.send(speaker, TURN + 1)
        speaker.hold()
        self.assertEqual([self.heard() for _ in range(2)], [TURN, 0])
        self.assertEqual(self.state(speaker), "paused")
        speaker.proceed()
        self.assertEqual(self.heard(), 1)
        self.assertEqual(self.state(speaker), "producing")

    def test_who_comes_when_there_is_no_time_left_has_its_turn_in_the_next_round(self) -> None:
        speaker, leaving = self.speaker(), self.speaker()
        self.send(leaving, 1)
        self.assertEqual([self.heard(), self.sessions()], [1, 3])
        self.patch(speaker.factory.turn, "calm_until", 0.0)
        self.patch(speaker.factory.turn, "has_time", lambda now: False)
        self.send(speaker, 1)
        self.leave(leaving)
        self.assertEqual((self.state(speaker), self.sessions(), self.taken()), ("paused", 3, 0))
        self.assertEqual([sum(self.heard() for _ in range(2)), self.sessions()], [1, 2])
        self.assertEqual(self.state(speaker), "producing")
