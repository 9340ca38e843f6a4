"""What the line door gives a connection before and after it knows who is there, and the times that hold for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from pkid.broker.effects import CloseReason
from pkid.line.codec import Limits

__all__ = ["Budget", "Vigil"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What one connection may take."""

    first_word: timedelta = timedelta(seconds=5)
    """From the connection to the first line that can be read, the TLS handshake included."""
    login: timedelta = timedelta(seconds=60)
    """From the connection to an open session, so that a person has the time to type a proof."""
    login_bytes: int = 16 * 1024
    """What may come before the session is open."""
    faults: int = 10
    """Lines in a row that cannot be read."""
    idle: timedelta = timedelta(minutes=5)
    """After how long a silence the client is asked whether it is there."""
    answer: timedelta = timedelta(minutes=1)
    """How long it has to say so."""
    farewell: timedelta = timedelta(seconds=3)
    """How long the last line has to arrive."""
    handshakes: int = 1000
    """Connections whose TLS handshake is under way."""
    handshakes_per_address: int = 100
    limits: Limits = field(default_factory=Limits)


class Vigil:
    """Watches one connection's times.

    :param expire: ends the connection.
    :param ask: asks the client whether it is there.
    """

    __slots__ = ("_ask", "_asked", "_began", "_budget", "_clock", "_due", "_expire", "_heard", "_open")

    def __init__(
        self, budget: Budget, clock: IReactorTime, expire: Callable[[CloseReason], None], ask: Callable[[], None]
    ) -> None:
        self._budget = budget
        self._clock = clock
        self._expire = expire
        self._ask = ask
        self._began = self._heard = clock.seconds()
        self._open = False
        self._asked: float | None = None  # when, if it was
        self._due: IDelayedCall | None = clock.callLater(budget.first_word.total_seconds(), self._end_login)

    def spoken(self) -> None:
        """Take note that the client said something that can be read, and give it the time for a login."""
        if self._due is not None and not self._open:
            left = self._began + self._budget.login.total_seconds() - self._clock.seconds()
            self._due.reset(max(0.0, left))

    def opened(self) -> None:
        """Take note that the session is open: from now on silence counts."""
        self.stop()
        self._open = True
        self._heard = self._clock.seconds()
        self._due = self._clock.callLater(self._budget.idle.total_seconds(), self._look)

    def heard(self) -> None:
        """Take note that something came."""
        self._heard = self._clock.seconds()

    def linger(self, cut: Callable[[], None]) -> None:
        """Watch nothing more, and cut the connection if it does not end by itself."""
        self.stop()
        self._due = self._clock.callLater(self._budget.farewell.total_seconds(), self._cut, cut)

    def stop(self) -> None:
        """Watch nothing more."""
        due, self._due = self._due, None
        if due is not None:
            due.cancel()

    def _cut(self, cut: Callable[[], None]) -> None:
        self._due = None
        cut()

    def _end_login(self) -> None:
        self._due = None
        self._expire(CloseReason.LOGIN_TIME)

    def _look(self) -> None:
        """Ask after a silence; end the connection if nothing came since that was done."""
        self._due = None
        budget, now = self._budget, self._clock.seconds()
        if self._asked is not None and self._heard <= self._asked:
            self._expire(CloseReason.IDLE)
            return
        left = self._heard + budget.idle.total_seconds() - now
        self._asked = None if left > 0 else now
        if left <= 0:
            self._ask()
        self._due = self._clock.callLater(left if left > 0 else budget.answer.total_seconds(), self._look)
