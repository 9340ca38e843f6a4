"""How often somebody may guess: attempts are counted for each address, tenant or name, and forgotten after a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

from pkid.errors import Reason, Unavailable

__all__ = ["Attempts"]


class Attempts:
    """Counts attempts, each from its beginning, so that many at once are no way around the limit.

    :param most: how many of one key may be begun and not taken back within the span.
    :param now: gives a time in seconds that never goes back.
    :param capacity: how many keys are remembered; the longest unseen leaves first.
    """

    def __init__(self, most: int, span: timedelta, now: Callable[[], float], capacity: int = 4096) -> None:
        self._most = most
        self._span = span.total_seconds()
        self._now = now
        self._capacity = capacity
        self._begun: OrderedDict[str, list[float]] = OrderedDict()

    def begin(self, key: str) -> None:
        """Count an attempt.

        :raises Unavailable: ``busy`` when there were too many; it says after how many seconds the next one is free.
        """
        now = self._now()
        recent = [moment for moment in self._begun.get(key, ()) if moment > now - self._span]
        if len(recent) >= self._most:
            raise Unavailable(Reason.BUSY, retry_after=int(recent[0] + self._span - now) + 1)
        self._begun[key] = [*recent, now]
        self._begun.move_to_end(key)
        if len(self._begun) > self._capacity:
            self._begun.popitem(last=False)

    def take_back(self, key: str) -> None:
        """Forget the last attempt, because it was right."""
        begun = self._begun.get(key)
        if begun:
            begun.pop()
