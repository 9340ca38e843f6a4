"""A timeout that is put off at every request without a delayed call of its own."""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.protocols.policies import TimeoutMixin

__all__ = ["LazyTimeout"]


class LazyTimeout(TimeoutMixin):
    """A timeout whose one delayed call, when its time has come, looks whether there was silence for so long.

    If not, it waits for the rest. A delayed call for each request costs more than twenty function calls, and this one
    two in a minute.

    :ivar clock: is to be there before the first timeout is set.
    """

    clock: IReactorTime
    _alarm: IDelayedCall | None = None
    _due = float("inf")  # seconds of the clock

    def setTimeout(self, period: int | None) -> int | None:
        """Call ``timeoutConnection`` after so many seconds of silence, or never; return what held before."""
        before, self.timeOut = self.timeOut, period
        if period is not None:
            self._due = self.clock.seconds() + period
            if self._alarm is None or self._alarm.getTime() > self._due:
                self.cancel_alarm()
                self._alarm = self.clock.callLater(period, self._look)
        return before

    def resetTimeout(self) -> None:
        """Begin to wait anew."""
        if self.timeOut is not None:
            self._due = self.clock.seconds() + self.timeOut

    def cancel_alarm(self) -> None:
        """Look no more; to be called when the connection is lost."""
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.cancel()

    def _look(self) -> None:
        self._alarm = None
        if self.timeOut is None:
            return
        left = self._due - self.clock.seconds()
        if left > 0:
            self._alarm = self.clock.callLater(left, self._look)
        else:
            self.timeOut = None
            self.timeoutConnection()
