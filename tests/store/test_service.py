"""The store's service has one thread, keeps the order, and stops only when its work is done."""

from __future__ import annotations

import threading
from pathlib import Path

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import TestCase

from pkid.errors import Reason, Unavailable
from pkid.store.interfaces import SearchableLedger, Store
from pkid.store.service import StoreService
from pkid.store.sqlite import open_sqlite
from tests.store.entries import count, entries, entry, sqlite_store


class StoreServiceTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.path = Path(self.mktemp())
        self.service = StoreService(open_sqlite(self.path), reactor)  # type: ignore[arg-type]

    def start(self) -> Store:
        self.service.startService()
        self.addCleanup(self.stop)
        return self.service

    async def stop(self) -> None:
        if self.service.running:
            await self.service.stopService()

    async def test_it_starts_again_where_it_left_off(self) -> None:
        store = self.start()
        await store.transact(lambda ledger: ledger.record([entry(1)]))
        await self.service.stopService()
        left = sqlite_store(self.path)
        self.assertEqual(left.transact_now(count), 1)
        await left.close()

    async def test_the_work_is_done_in_one_thread_that_is_not_the_callers(self) -> None:
        store = self.start()
        threads = await gatherResults([store.transact(lambda ledger: threading.get_ident()) for _ in range(5)])
        self.assertEqual(len(set(threads)), 1)
        self.assertNotIn(threading.get_ident(), threads)

    async def test_the_answer_comes_in_the_callers_thread(self) -> None:
        answered = self.start().transact(count).addCallback(lambda _: threading.get_ident())
        self.assertEqual(await answered, threading.get_ident())

    async def test_groups_are_done_in_the_order_of_their_coming(self) -> None:
        store = self.start()
        gate = threading.Event()
        self.addCleanup(gate.set)
        order: list[int] = []

        def work(number: int, ledger: SearchableLedger) -> None:
            gate.wait(10)
            order.append(ledger.count())
            ledger.record(entries(range(10 * number + 1, 10 * number + 11)))

        waiting = [store.transact(lambda ledger, n=n: work(n, ledger)) for n in range(5)]  # type: ignore[misc]
        self.assertEqual(order, [])
        gate.set()
        await gatherResults(waiting)
        self.assertEqual(order, [0, 10, 20, 30, 40])

    async def test_errors_of_the_work_come_back(self) -> None:
        store = self.start()
        with self.assertRaises(ZeroDivisionError):
            await store.transact(lambda ledger: 1 // 0)
        self.assertEqual(await store.transact(count), 0)

    async def test_stopping_waits_for_what_was_accepted(self) -> None:
        store = self.start()
        gate = threading.Event()
        self.addCleanup(gate.set)
        first = store.transact(lambda ledger: gate.wait(10))
        second = store.transact(lambda ledger: ledger.record([entry(1)]))
        stopped = self.service.stopService()
        self.assertNoResult(stopped)
        gate.set()
        await stopped
        self.successResultOf(first)
        self.successResultOf(second)
        left = sqlite_store(self.path)
        self.assertEqual(left.transact_now(count), 1)
        await left.close()

    async def test_nothing_is_accepted_once_it_stops(self) -> None:
        store = self.start()
        stopped = self.service.stopService()
        failure = self.failureResultOf(store.transact(count), Unavailable)
        self.assertIs(failure.value.reason, Reason.STOPPING)
        await stopped
        with self.assertRaises(Unavailable) as caught:
            store.transact_now(count)
        self.assertIs(caught.exception.reason, Reason.STOPPING)

    async def test_stopping_closes_the_database_and_ends_the_thread(self) -> None:
        before = threading.active_count()
        store = self.start()
        await store.transact(lambda ledger: ledger.record([entry(1)]))
        self.assertTrue(Path(f"{self.path}-wal").exists())
        await self.service.stopService()
        self.assertFalse(Path(f"{self.path}-wal").exists())
        self.assertEqual(threading.active_count(), before)

    async def test_before_the_start_the_caller_can_do_the_work_itself(self) -> None:
        self.service.transact_now(lambda ledger: ledger.record([entry(1)]))
        self.assertEqual(await self.start().transact(count), 1)

    async def test_what_comes_before_the_start_waits_for_it(self) -> None:
        early = self.service.transact(count)
        self.assertNoResult(early)
        self.start()
        self.assertEqual(await early, 0)

    async def test_it_can_be_stopped_without_having_been_started(self) -> None:
        self.service.transact_now(lambda ledger: ledger.record([entry(1)]))
        await self.service.stopService()
        self.assertFalse(Path(f"{self.path}-wal").exists())
