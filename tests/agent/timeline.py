"""A clock for long times and many timers: each call is made at its own instant, in order, however far the leap."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from twisted.internet.base import DelayedCall
from twisted.internet.task import Clock

__all__ = ["Timeline"]


class Timeline(Clock):
    """Like its parent, but that goes to the end of a leap at once, and sorts all calls whenever there is a new one."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[tuple[float, int, DelayedCall]] = []
        self._numbers = count()

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> DelayedCall:
        """Call later."""
        call = DelayedCall(self.seconds() + delay, callable, args, kw, lambda cancelled: None, self._push, self.seconds)
        self._push(call)
        return call

    def _push(self, call: DelayedCall) -> None:
        heappush(self._calls, (call.getTime(), next(self._numbers), call))

    def getDelayedCalls(self) -> list[DelayedCall]:
        """Return the calls that are to come."""
        return [call for _, _, call in self._calls if call.active()]

    def advance(self, amount: float) -> None:
        """Make every call that is due within so many seconds."""
        end = self.rightNow + amount
        while self._calls and self._calls[0][0] <= end:
            time, _, call = heappop(self._calls)
            if not call.active():
                continue
            if call.getTime() > time:  # it was put off
                self._push(call)
                continue
            self.rightNow = time
            call.called = 1
            call.func(*call.args, **call.kw)
        self.rightNow = end
