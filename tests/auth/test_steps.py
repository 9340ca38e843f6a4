"""A step fires as a coroutine of Twisted's does, and at once where it waits for nothing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed

from pkid.auth import steps
from pkid.auth.steps import take
from tests.support import Case

Begin = Callable[[Coroutine[Deferred[Any], Any, Any]], Deferred[Any]]


async def add(*awaited: Deferred[int]) -> int:
    """Add up what is awaited; what fails counts as a hundred."""
    total = 0
    for each in awaited:
        try:
            total += await each
        except ZeroDivisionError:
            total += 100
    return total


async def refuse(awaited: Deferred[int] | None = None) -> int:
    """Wait, and raise something."""
    if awaited is not None:
        await awaited
    raise KeyError("no")


class StepsTests(Case):
    def both(self, work: Callable[[Begin], object]) -> None:
        """Do something with steps, and the same with coroutines of Twisted's."""
        for begin in (take, Deferred.fromCoroutine):
            work(begin)

    def test_what_waits_for_nothing_is_done_at_once_and_prepares_for_no_wait(self) -> None:
        self.patch(steps, "_go_on", None)
        self.assertEqual(self.successResultOf(take(add())), 0)
        self.assertEqual(self.successResultOf(take(add(succeed(1), succeed(2)))), 3)
        self.failureResultOf(take(refuse()), KeyError)
        self.failureResultOf(take(refuse(succeed(1))), KeyError)

    def test_what_waits_goes_on_with_each_result(self) -> None:
        def work(begin: Begin) -> None:
            first, last = Deferred[int](), Deferred[int]()
            done = begin(add(first, succeed(2), last))
            self.assertNoResult(done)
            first.callback(1)
            self.assertNoResult(done)
            last.callback(4)
            self.assertEqual(self.successResultOf(done), 7)

        self.both(work)

    def test_what_fails_is_raised_where_it_is_awaited(self) -> None:
        def work(begin: Begin) -> None:
            first, last = Deferred[int](), Deferred[int]()
            done = begin(add(first, last))
            first.errback(ZeroDivisionError())
            last.callback(1)
            self.assertEqual(self.successResultOf(done), 101)

        self.both(work)

    def test_what_is_raised_after_a_wait_is_the_failure(self) -> None:
        def work(begin: Begin) -> None:
            awaited = Deferred[int]()
            done = begin(refuse(awaited))
            awaited.callback(1)
            self.failureResultOf(done, KeyError)
            awaited = Deferred[int]()
            done = begin(add(awaited))
            awaited.errback(ValueError())
            self.failureResultOf(done, ValueError)

        self.both(work)

    def test_who_cancels_it_cancels_what_it_waits_for(self) -> None:
        def work(begin: Begin) -> None:
            cancelled: list[object] = []
            first, last = Deferred[int](), Deferred[int](cancelled.append)
            done = begin(add(first, last))
            first.callback(1)
            done.cancel()
            self.assertEqual(cancelled, [last])
            self.failureResultOf(done, CancelledError)

        self.both(work)
