"""The in-memory store holds commits back and fails them when it is told to."""

from __future__ import annotations

from pkid.errors import Reason, Unavailable
from pkid.store.interfaces import SearchableLedger
from pkid.store.memory import MemoryStore
from tests.store.entries import count, entry
from tests.support import Case


class HeldCommitTests(Case):
    def setUp(self) -> None:
        self.store = MemoryStore()
        self.store.hold()
        self.worked: list[int] = []

    def record(self, serial: int):
        def work(ledger: SearchableLedger) -> int:
            self.worked.append(serial)
            ledger.record([entry(serial)])
            return serial

        return self.store.transact(work)

    def test_the_work_is_done_and_nobody_is_told(self) -> None:
        done = self.record(1)
        self.assertNoResult(done)
        self.assertEqual((self.worked, self.store.entries, self.store.waiting), ([1], [], 1))

    def test_the_work_behind_a_held_commit_is_not_begun(self) -> None:
        self.record(1)
        self.assertNoResult(self.record(2))
        self.assertEqual((self.worked, self.store.waiting), ([1], 2))

    def test_releasing_commits_all_in_order(self) -> None:
        told: list[int] = []
        for serial in (1, 2, 3):
            self.record(serial).addCallback(told.append)
        self.store.release()
        self.assertEqual((told, self.worked, self.store.waiting), ([1, 2, 3], [1, 2, 3], 0))
        self.assertEqual(self.store.entries, [entry(1), entry(2), entry(3)])

    def test_releasing_one_goes_on_holding_the_next(self) -> None:
        first, second = self.record(1), self.record(2)
        self.store.release_one()
        self.assertEqual(self.successResultOf(first), 1)
        self.assertNoResult(second)
        self.assertEqual((self.worked, self.store.entries), ([1, 2], [entry(1)]))

    def test_after_a_release_commits_are_immediate(self) -> None:
        self.store.release()
        self.assertEqual(self.successResultOf(self.record(1)), 1)

    def test_an_order_that_comes_from_a_callback_stands_behind_those_that_wait(self) -> None:
        self.record(1).addCallback(lambda _: self.record(3))
        self.record(2)
        self.store.release()
        self.assertEqual(self.worked, [1, 2, 3])

    def test_an_error_of_the_work_is_told_at_once(self) -> None:
        self.failureResultOf(self.store.transact(lambda ledger: 1 // 0), ZeroDivisionError)
        self.assertEqual(self.store.waiting, 0)

    def test_a_held_commit_can_be_made_to_fail(self) -> None:
        first, second = self.record(1), self.record(2)
        self.store.fail_next()
        self.store.release()
        self.assertIs(self.failureResultOf(first, Unavailable).value.reason, Reason.STORE)
        self.assertEqual(self.successResultOf(second), 2)
        self.assertEqual(self.store.entries, [entry(2)])

    def test_transact_now_does_not_wait_for_a_held_commit_forever(self) -> None:
        self.record(1)
        self.assertRaises(RuntimeError, self.store.transact_now, count)


class FailedCommitTests(Case):
    def test_the_next_commit_fails_and_keeps_nothing_and_the_one_after_succeeds(self) -> None:
        store = MemoryStore()
        store.fail_next()
        failed = store.transact(lambda ledger: ledger.record([entry(1)]))
        self.assertIs(self.failureResultOf(failed, Unavailable).value.reason, Reason.STORE)
        self.assertEqual(self.successResultOf(store.transact(count)), 0)

    def test_the_error_can_be_chosen(self) -> None:
        store = MemoryStore()
        store.fail_next(Unavailable(Reason.STOPPING))
        failure = self.failureResultOf(store.transact(count), Unavailable)
        self.assertIs(failure.value.reason, Reason.STOPPING)

    def test_transact_now_fails_too(self) -> None:
        store = MemoryStore()
        store.fail_next()
        self.assertRaises(Unavailable, store.transact_now, count)

    def test_commits_and_touches_are_counted_and_failed_ones_are_not(self) -> None:
        store = MemoryStore()
        store.transact_now(count)
        store.transact_now(lambda ledger: ledger.touch())
        store.fail_next()
        self.assertRaises(Unavailable, store.transact_now, lambda ledger: ledger.touch())
        self.assertEqual((store.commits, store.touches), (2, 1))
