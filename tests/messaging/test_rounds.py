"""Connections that have more to do than fits into one turn."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from pkid.messaging.rounds import LONGEST_ROUND, Rounds
from tests.support import Case


class RoundTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.rounds = Rounds(self.clock)
        self.done: list[str] = []

    def join(self, name: str, party: str = "192.0.2.1", seconds: float = 0.0) -> None:
        """Have a connection wait that takes so long for its turn."""

        def turn() -> None:
            self.done.append(name)
            self.clock.rightNow += seconds

        self.rounds.join(party, turn)

    def run_round(self) -> list[str]:
        """Let one turn of the reactor pass, and return who had theirs in it."""
        self.done.clear()
        due: Any = self.clock.getDelayedCalls()[0]
        work = due.func
        due.cancel()
        work()
        return list(self.done)

    def test_all_have_their_turn_when_that_is_short(self) -> None:
        for name in "abc":
            self.join(name)
        self.assertEqual(self.run_round(), ["a", "b", "c"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_round_does_not_grow_with_those_who_wait(self) -> None:
        for number in range(10):
            self.join(str(number), seconds=LONGEST_ROUND * 0.6)
        self.assertEqual([self.run_round() for _ in range(5)], [[str(n), str(n + 1)] for n in range(0, 10, 2)])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_has_its_turn_however_long_that_is(self) -> None:
        self.join("a", seconds=LONGEST_ROUND * 100)
        self.join("b")
        self.assertEqual([self.run_round(), self.run_round()], [["a"], ["b"]])

    def test_parties_take_turns(self) -> None:
        for name in ("a1", "a2", "a3"):
            self.join(name, "192.0.2.1")
        for name in ("b1", "b2"):
            self.join(name, "name b")
        self.assertEqual(self.run_round(), ["a1", "b1", "a2", "b2", "a3"])

    def test_who_comes_back_waits_for_the_next_round(self) -> None:
        def turn() -> None:
            self.done.append("again")
            self.rounds.join("192.0.2.1", turn)

        self.rounds.join("192.0.2.1", turn)
        self.assertEqual([self.run_round() for _ in range(3)], [["again"]] * 3)

    def test_one_that_cannot_go_on_is_no_obstacle(self) -> None:
        def turn() -> None:
            raise ZeroDivisionError

        self.rounds.join("192.0.2.1", turn)
        self.join("b")
        self.assertEqual(self.run_round(), ["b"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
