"""Pruning forgets what is long over, a few at a time, and does not believe a clock that leaps."""

from __future__ import annotations

from datetime import timedelta

from twisted.internet.task import Clock

from pkid.errors import Reason, Unavailable
from pkid.pruning import Pruning
from pkid.store.memory import MemoryStore
from tests.store.entries import NOON, entry
from tests.support import Case

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


class PruningTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore()
        self.wall = NOON
        self.pruning = Pruning(self.store, 90 * DAY, NOON, self.clock, lambda: self.wall)

    def record(self, **ends: timedelta) -> None:
        entries = [
            entry(number, name=name, not_after=NOON + end)
            for number, (name, end) in enumerate(ends.items(), len(self.store.entries) + 1)
        ]
        self.store.transact_now(lambda ledger: ledger.record(entries))

    def start(self) -> None:
        self.pruning.startService()
        self.addCleanup(self.pruning.stopService)

    def pass_time(self, span: timedelta) -> None:
        """Let both clocks go on."""
        self.wall += span
        self.clock.pump([span.total_seconds(), 0.1])

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.store.entries]

    def test_only_what_expired_longer_ago_than_it_is_kept(self) -> None:
        self.record(long=-91 * DAY, just=-90 * DAY - MICROSECOND, not_yet=-90 * DAY, valid=DAY)
        self.start()
        self.assertEqual(self.names, ["not_yet", "valid"])
        with self.assertRaises(ValueError):
            Pruning(self.store, DAY - MICROSECOND, NOON, self.clock, lambda: self.wall)

    def test_each_hour(self) -> None:
        self.record(one=-90 * DAY + HOUR, two=-90 * DAY + 2 * HOUR)
        self.start()
        self.pass_time(HOUR)
        self.assertEqual(self.names, ["one", "two"])
        self.pass_time(HOUR)
        self.assertEqual(self.names, ["two"])
        self.pass_time(HOUR)
        self.assertEqual(self.names, [])

    def test_a_few_at_a_time_so_that_others_get_the_store(self) -> None:
        self.record(**{f"n{number}": -91 * DAY for number in range(120)})
        self.start()
        self.assertEqual(len(self.names), 70)
        self.clock.advance(0.1)
        self.assertEqual(len(self.names), 20)
        self.clock.pump([0.1] * 2)
        self.assertEqual(self.names, [])

    def test_nothing_while_the_clock_is_not_believed(self) -> None:
        self.record(valid=30 * DAY)
        self.start()
        self.wall += 365 * DAY
        self.clock.advance(3600)
        self.assertEqual(self.names, ["valid"])
        for _ in range(23):
            self.pass_time(HOUR)
        self.assertEqual(self.names, ["valid"])
        self.pass_time(HOUR)
        self.assertEqual(self.names, [])

    def test_nothing_at_a_start_long_after_the_newest_entry(self) -> None:
        self.record(valid=30 * DAY)
        self.wall += 365 * DAY
        self.start()
        self.assertEqual(self.names, ["valid"])

    def test_a_store_that_cannot_is_asked_again(self) -> None:
        self.record(long=-91 * DAY)
        self.store.fail_next(Unavailable(Reason.STORE))
        self.start()
        self.assertEqual(self.names, ["long"])
        self.pass_time(HOUR)
        self.assertEqual(self.names, [])

    def test_it_stops_between_batches(self) -> None:
        self.record(**{f"n{number}": -91 * DAY for number in range(120)})
        self.pruning.startService()
        self.pruning.stopService()
        self.clock.advance(1)
        self.assertEqual((len(self.names), self.clock.getDelayedCalls()), (70, []))

    def test_it_stops_while_a_batch_is_being_deleted(self) -> None:
        self.record(**{f"n{number}": -91 * DAY for number in range(120)})
        self.store.hold()
        self.pruning.startService()
        self.pruning.stopService()
        self.store.release()
        self.assertEqual((len(self.names), self.clock.getDelayedCalls()), (70, []))

    def test_it_stops_while_it_waits(self) -> None:
        self.pruning.startService()
        self.pruning.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
