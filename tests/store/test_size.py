"""The ledger's size is measured seldom."""

from __future__ import annotations

from itertools import count

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from pkid.errors import Reason, Unavailable
from pkid.store.size import LedgerSize
from tests.support import Case


class SizeTests(Case):
    def test_it_is_kept_for_a_while(self) -> None:
        numbers, clock = count(1), Clock()

        async def measure() -> tuple[int, int]:
            return next(numbers), 100

        size = LedgerSize(measure, clock)

        def read() -> int:
            return self.successResultOf(Deferred.fromCoroutine(size.read()))[0]

        self.assertEqual(read(), 1)
        clock.advance(4.9)
        self.assertEqual(read(), 1)
        clock.advance(0.1)
        self.assertEqual((read(), read()), (2, 2))

    def test_a_failure_is_not_kept(self) -> None:
        answers: list[int] = []

        async def measure() -> tuple[int, int]:
            if not answers:
                raise Unavailable(Reason.SEARCH)
            return answers[0], 1

        size = LedgerSize(measure, Clock())
        self.failureResultOf(Deferred.fromCoroutine(size.read()), Unavailable)
        answers.append(7)
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(size.read())), (7, 1))
