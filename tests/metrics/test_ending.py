"""Names are counted seldom and in the background, by when the last certificate of each ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from pkid.errors import Reason, Unavailable
from pkid.metrics.ending import EndingNames
from tests.support import Case

NOON = datetime(2031, 5, 6, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class EndingNamesTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[Sequence[tuple[datetime, datetime]]] = []
        self.answers: list[Deferred[list[int]]] = []
        self.names = EndingNames(self.count, self.clock, lambda: NOON, timedelta(minutes=5))

    def count(self, spans: Sequence[tuple[datetime, datetime]]) -> Deferred[list[int]]:
        self.asked.append(spans)
        self.answers.append(Deferred())
        return self.answers[-1]

    def test_the_last_week_and_the_next_day_week_and_month_are_counted(self) -> None:
        self.names.refresh()
        self.assertEqual(
            self.asked,
            [[(NOON - 7 * DAY, NOON), (NOON, NOON + DAY), (NOON, NOON + 7 * DAY), (NOON, NOON + 30 * DAY)]],
        )

    def test_there_are_no_numbers_before_they_are_counted(self) -> None:
        self.names.refresh()
        self.assertEqual((self.names.ended(), self.names.ending()), ({}, {}))
        self.answers[0].callback([1, 2, 3, 4])
        self.assertEqual(self.names.ended(), {(): 1})
        self.assertEqual(self.names.ending(), {("24h",): 2, ("7d",): 3, ("30d",): 4})

    def test_they_are_counted_again_only_when_they_are_old(self) -> None:
        self.names.refresh()
        self.clock.advance(1000)
        self.names.refresh()
        self.answers[0].callback([0, 0, 0, 0])
        self.clock.advance(299)
        self.names.refresh()
        self.assertEqual(len(self.asked), 1)
        self.clock.advance(1)
        self.names.refresh()
        self.assertEqual(len(self.asked), 2)

    def test_numbers_that_cannot_be_counted_any_more_are_not_shown(self) -> None:
        self.names.refresh()
        self.answers[0].callback([1, 2, 3, 4])
        self.clock.advance(300)
        self.names.refresh()
        self.assertEqual(self.names.ended(), {(): 1})
        self.answers[1].errback(Unavailable(Reason.SLOW_SEARCH, "5 seconds"))
        self.assertEqual((self.names.ended(), self.names.ending()), ({}, {}))
        self.names.refresh()
        self.assertEqual(len(self.asked), 2)
