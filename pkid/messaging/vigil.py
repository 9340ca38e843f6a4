"""The times that hold for a connection: until it says something, until its session is open, and for its silences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from pkid.broker.effects import CloseReason

__all__ = ["Times", "Vigil"]


class Times(Protocol):
    """How long a connection has for what."""

    @property
    def first_word(self) -> timedelta:
        """From the connection to the first thing that can be read, the TLS handshake included."""

    @property
    def login(self) -> timedelta:
        """From the connection to an open session."""

    @property
    def idle(self) -> timedelta:
        """After how long a silence the client is asked whether it is there."""

    @property
    def answer(self) -> timedelta:
        """How long it has to say so."""

    @property
    def farewell(self) -> timedelta:
        """How long the last thing that is written has to arrive."""


def _tell_nobody(*_: object) -> None:
    """Stand for those who are gone."""


class Vigil:
    """Watches one connection's times.

    :param times: which they are.
    :param expire: ends the connection.
    :param ask: asks the client whether it is there.
    :ivar heard_at: when something came last, in seconds of the clock.
    """

    __slots__ = ("_ask", "_asked", "_began", "_clock", "_cut", "_due", "_expire", "_open", "_times", "heard_at")

    def __init__(
        self, times: Times, clock: IReactorTime, expire: Callable[[CloseReason], None], ask: Callable[[], None]
    ) -> None:
        self._times = times
        self._clock = clock
        self._expire = expire
        self._ask = ask
        self._began = self.heard_at = clock.seconds()
        self._open = False
        self._cut: Callable[[], None] | None = None  # once the connection is to end
        self._asked: float | None = None  # when, if it was
        self._due: IDelayedCall | None = clock.callLater(times.first_word.total_seconds(), self._look)

    def spoken(self) -> None:
        """Take note that the client said something that can be read, and give it the time for a login."""
        if self._due is not None and not self._open:
            left = self._began + self._times.login.total_seconds() - self._clock.seconds()
            self._due.reset(max(0.0, left))

    def opened(self) -> None:
        """Take note that the session is open: from now on silence counts."""
        if self._due is not None:
            self._open = True
            self.heard_at = self._clock.seconds()
            self._due.reset(self._times.idle.total_seconds())

    def linger(self, cut: Callable[[], None]) -> None:
        """Watch nothing more, and cut the connection if it does not end by itself."""
        self._cut = cut
        farewell = self._times.farewell.total_seconds()
        if self._due is None:
            self._due = self._clock.callLater(farewell, self._look)
        else:
            self._due.reset(farewell)

    def stop(self) -> None:
        """Watch nothing more."""
        due, self._due = self._due, None
        if due is not None:
            due.cancel()

    def forget(self) -> None:
        """Watch nothing more, and hold nobody who could be told."""
        self.stop()
        self._expire = self._ask = self._cut = _tell_nobody

    def _look(self) -> None:
        """End a login that takes too long; ask after a silence, and end the connection if nothing came since then."""
        self._due = None
        if self._cut is not None:
            self._cut()
            return
        if not self._open:
            self._expire(CloseReason.LOGIN_TIME)
            return
        times, now = self._times, self._clock.seconds()
        if self._asked is not None and self.heard_at <= self._asked:
            self._expire(CloseReason.IDLE)
            return
        left = self.heard_at + times.idle.total_seconds() - now
        self._asked = None if left > 0 else now
        if left <= 0:
            self._ask()
        self._due = self._clock.callLater(left if left > 0 else times.answer.total_seconds(), self._look)
