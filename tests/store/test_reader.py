"""The reader reads beside the store, only reads, and never for longer than it may."""

from __future__ import annotations

import threading
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, text
from twisted.internet.defer import CancelledError, gatherResults
from twisted.trial.unittest import TestCase

from pkid.errors import Reason, Unavailable
from pkid.store.reader import Reader
from pkid.store.sqlite import open_reader, open_sqlite
from tests.store.entries import entry, sqlite_store

ENDLESS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
"""A query that ends only when it is ended."""


def endless(connection: Connection) -> object:
    return connection.execute(ENDLESS).all()


class ReaderTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.store = sqlite_store(self.path)
        self.addCleanup(self.store.close)
        self.ticks = count()

    def reader(self, waiting: int = 64) -> Reader:
        """Start a reader whose clock goes on by a second whenever it is looked at."""
        from twisted.internet import reactor

        reader = Reader(open_reader(self.path), reactor, lambda: float(next(self.ticks)), waiting=waiting)  # type: ignore[arg-type]
        reader.startService()
        self.addCleanup(lambda: reader.stopService() if reader.running else None)
        return reader

    async def test_it_sees_what_is_committed(self) -> None:
        reader = self.reader()
        self.assertEqual(await reader.consult(lambda ledger: ledger.count()), 0)
        self.store.transact_now(lambda ledger: ledger.record([entry(1)]))
        self.assertEqual(await reader.consult(lambda ledger: ledger.find(1)), entry(1))

    async def test_it_reads_while_the_store_is_in_a_transaction(self) -> None:
        reader = self.reader()
        engine = open_sqlite(self.path)
        self.addCleanup(engine.dispose)
        with engine.begin() as connection:  # it has the lock for writing from here on
            connection.exec_driver_sql("UPDATE heartbeat SET beats = 7")
            self.assertEqual(await reader.consult(lambda ledger: ledger.count()), 0)

    async def test_it_cannot_write(self) -> None:
        reader = self.reader()
        with self.assertRaises(Unavailable) as raised:
            await reader.consult(lambda ledger: ledger.record([entry(1)]))
        self.assertIs(raised.exception.reason, Reason.SEARCH)
        self.flushLoggedErrors()
        self.assertEqual(await reader.consult(lambda ledger: ledger.count()), 0)

    async def test_what_takes_too_long_is_ended(self) -> None:
        reader = self.reader()
        with self.assertRaises(Unavailable) as raised:
            await reader.read(endless)
        self.assertIs(raised.exception.reason, Reason.SLOW_SEARCH)
        self.assertIn("takes more than 5 seconds; narrow it", str(raised.exception))
        self.assertEqual(await reader.consult(lambda ledger: ledger.count()), 0)

    async def test_what_nobody_waits_for_is_ended(self) -> None:
        reader = self.reader()
        reader._seconds = lambda: 0.0
        begun = threading.Event()

        def work(connection: Connection) -> object:
            begun.set()
            return endless(connection)

        answer, behind = reader.read(work), reader.consult(lambda ledger: ledger.count())
        begun.wait(30)
        answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.assertEqual(await behind, 0)

    async def test_what_was_given_up_before_its_turn_is_not_begun(self) -> None:
        reader = self.reader()
        gate = threading.Event()
        done: list[object] = []
        first = reader.read(lambda _: gate.wait(30))
        second = reader.read(done.append)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        gate.set()
        await first
        await reader.consult(lambda ledger: ledger.count())
        self.assertEqual(done, [])

    async def test_a_bounded_number_waits(self) -> None:
        reader = self.reader(waiting=2)
        gate = threading.Event()
        waiting = [reader.read(lambda _: gate.wait(30)) for _ in range(2)]
        busy = self.failureResultOf(reader.read(lambda _: None), Unavailable)
        self.assertIs(busy.value.reason, Reason.BUSY)
        gate.set()
        await gatherResults(waiting)
        await reader.consult(lambda ledger: ledger.count())

    async def test_errors_of_the_work_come_back(self) -> None:
        reader = self.reader()
        with self.assertRaises(ZeroDivisionError):
            await reader.read(lambda _: 1 // 0)

    async def test_stopping_ends_what_is_read_and_closes_the_file(self) -> None:
        reader = self.reader()
        reader._seconds = lambda: 0.0
        begun = threading.Event()

        def work(connection: Connection) -> object:
            begun.set()
            return endless(connection)

        answer = reader.read(work)
        begun.wait(30)
        reader.stopService()
        with self.assertRaises(Unavailable):
            await answer
        stopped = self.failureResultOf(reader.read(lambda _: None), Unavailable)
        self.assertIs(stopped.value.reason, Reason.STOPPING)
        await self.store.close()
        self.assertFalse(Path(f"{self.path}-wal").exists())
