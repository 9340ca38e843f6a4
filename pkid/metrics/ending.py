"""How many components are about to be without a valid certificate, or are so already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from pkid.errors import Unavailable
from pkid.metrics.readings import Labelled

__all__ = ["EndingNames"]

_ENDED = timedelta(days=7)
_SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}

Count = Callable[[Sequence[tuple[datetime, datetime]]], Deferred[list[int]]]
"""Counts the names whose last certificate ends within each span; fails with :class:`~pkid.errors.Unavailable`."""


class EndingNames:
    """Numbers of names by when their last certificate ends; they are counted in the background, and seldom.

    While they cannot be counted there are none, rather than old ones.

    :param count: may take a second, away from the reactor.
    :param keep: for how long numbers are good.
    """

    def __init__(
        self,
        count: Count,
        clock: IReactorTime,
        now: Callable[[], datetime],
        keep: timedelta = timedelta(minutes=5),
    ) -> None:
        self._count = count
        self._clock = clock
        self._now = now
        self._keep = keep.total_seconds()
        self._counted_at = float("-inf")
        self._counting = False
        self._numbers: list[int] = []

    def ending(self) -> Labelled:
        """Return the names that end, by the span within which they do; nothing as long as they are not counted."""
        return {(span,): number for span, number in zip(_SPANS, self._numbers[1:], strict=False)}

    def ended(self) -> Labelled:
        """Return the names that ended within the last week."""
        return {(): self._numbers[0]} if self._numbers else {}

    def refresh(self) -> None:
        """Count for the next time, if that is due."""
        if self._counting or self._clock.seconds() - self._counted_at < self._keep:
            return
        self._counting = True
        now = self._now()
        spans = [(now - _ENDED, now), *((now, now + span) for span in _SPANS.values())]
        self._count(spans).addBoth(self._counted)

    def _counted(self, result: list[int] | Failure) -> None:
        self._counting, self._counted_at = False, self._clock.seconds()
        self._numbers = [] if isinstance(result, Failure) else result
        if isinstance(result, Failure):
            result.trap(Unavailable)
