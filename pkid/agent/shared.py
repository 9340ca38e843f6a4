"""Work that several ask for and that is done once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

__all__ = ["Shared"]

T = TypeVar("T")


class Shared(Generic[T]):
    """Does some work for all who ask while it is under way; who asks later makes it begin anew.

    Whoever stops waiting (cancels) does not stop the work, unless nobody else waits.
    """

    def __init__(self, work: Callable[[], Coroutine[Deferred[Any], Any, T]]) -> None:
        self._work = work
        self._running: Deferred[T] | None = None
        self._waiting: list[Deferred[T]] = []

    def __call__(self) -> Deferred[T]:
        """Fire with the work's result, or fail as it failed."""
        waiter: Deferred[T] = Deferred(self._waiting_no_more)
        self._waiting.append(waiter)
        if self._running is None:
            # It may be done at once, and then must not be kept.
            running = self._running = Deferred.fromCoroutine(self._work())
            running.addBoth(self._done)
        return waiter

    @property
    def under_way(self) -> bool:
        """Whether the work is being done."""
        return self._running is not None

    def cancel(self) -> None:
        """Stop the work, if it is under way; those who wait fail with ``CancelledError``."""
        if self._running is not None:
            self._running.cancel()

    def _done(self, result: T | Failure) -> None:
        self._running = None
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(result)

    def _waiting_no_more(self, waiter: Deferred[T]) -> None:
        self._waiting.remove(waiter)
        waiter.errback(CancelledError())
        if not self._waiting:
            self.cancel()
