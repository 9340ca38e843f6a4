"""Who goes on next, of the connections that have more to do than fits into one turn.

However many they are, what they do together between two looks of the reactor at its sockets is bounded, so that who
says little is heard soon. Those who proved a name take turns with one another and with the addresses of the others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pkid.auth.fairness import FairQueue

__all__ = ["LONGEST_ROUND", "Rounds"]

LONGEST_ROUND = 0.02
"""Seconds after which no further turn begins in a round."""


class Rounds:
    """Gives connections their turns, in rounds.

    :param clock: the reactor.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: FairQueue[Callable[[], None]] = FairQueue(sys.maxsize)
        self._due = False

    def join(self, party: str, turn: Callable[[], None]) -> None:
        """Have a turn begin in one of the next rounds.

        :param party: whose it is; parties take turns, however many connections they have.
        """
        self._waiting.push(party, turn)
        self._schedule()

    def _schedule(self) -> None:
        if not self._due:
            self._due = True
            self._clock.callLater(0, self._run)

    def _run(self) -> None:
        """Begin turns: as many as wait now at most, and one at least."""
        self._due = False
        until = self._clock.seconds() + LONGEST_ROUND
        for _ in range(len(self._waiting)):
            try:
                self._waiting.pop()()
            except Exception:
                self._log.failure("a connection cannot go on")
            if self._clock.seconds() > until:
                break
        if self._waiting:
            self._schedule()
