"""One turn of the reactor, from one look at its sockets to the next, as the connections of a door share it.

Knows how long they have read in it, and what was said to others meanwhile. Where many are heard in a turn, what each
of them causes is written when it ends, so that who is spoken to by many gets one piece. Who is heard alone should not
wait, nor should the reactor be asked to call back for each message: then it is written when the message was done, and
only now and then somebody looks whether there is still but one.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pkid.messaging.outgoing import Outgoing
from pkid.messaging.rounds import LONGEST_ROUND

__all__ = ["LONGEST_CALM", "Turn"]

LONGEST_CALM = 0.01
"""Seconds after which somebody looks again how many are heard in a turn."""


class Turn:
    """Knows who has time in a turn of the reactor, and when what they cause is written.

    :param clock: the reactor.
    :ivar calm_until: until when whoever is heard has time, in seconds of the clock: one at a time is heard.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._seconds = clock.seconds
        self._due: list[Outgoing] = []
        self.calm_until = 0.0
        self._began: float | None = None  # when the first had time who is counted
        self._heard = 0
        self._is_watched = False  # whether the reactor calls when the turn ends
        self._is_reading = False

    def begin(self) -> float:
        """Take note that a connection is heard, until :meth:`end`; return the time, in seconds."""
        self._heard += 1
        self._is_reading = True
        return self._seconds()

    def end(self) -> None:
        """Write what was said to others meanwhile, unless more may be said to them in this turn."""
        self._is_reading = False
        if self._due and not self._is_watched:
            self._write()

    def has_time(self, now: float) -> bool:
        """Tell whether there is time at this instant for one more who does not wait for a round."""
        if now < self.calm_until:
            return True
        if self._began is None:
            self._began = now
            self._watch()
        return now - self._began <= LONGEST_ROUND

    def write_soon(self, outgoing: Outgoing) -> None:
        """Have what was gathered for a connection written by the end of the turn."""
        self._due.append(outgoing)
        if not self._is_reading:
            self._watch()

    def _watch(self) -> None:
        if not self._is_watched:
            self._is_watched = True
            self.calm_until = 0.0
            self._heard = int(self._is_reading)
            self._clock.callLater(0, self._look_back)

    def _look_back(self) -> None:
        """Take note how many were heard in the turn that ends, and write what is due."""
        self._is_watched = False
        self._began = None
        if self._heard <= 1:
            self.calm_until = self._clock.seconds() + LONGEST_CALM
        self._write()

    def _write(self) -> None:
        due, self._due = self._due, []
        for outgoing in due:
            try:
                outgoing.flush()
            except Exception:
                self._log.failure("cannot write to a connection")
