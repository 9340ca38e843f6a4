"""What was reported committed outlives the process, and what cannot be committed is not reported."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine
from twisted.internet.defer import Deferred
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import Logger, formatEvent

from pkid.errors import Reason, Unavailable
from pkid.store.service import SQLStore
from tests.store.entries import count, entries, entry, sqlite_store
from tests.support import Case

T = TypeVar("T")

CHECKOUT = Path(__file__).resolve().parents[2]


class KilledWriterTests(Case):
    def test_what_a_killed_process_reported_committed_is_there_and_nothing_else(self) -> None:
        path = Path(self.mktemp()).resolve()
        command = [sys.executable, "-m", "tests.store.writer", str(path)]
        writer = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with writer:
            assert writer.stdout is not None
            self.addCleanup(writer.kill)
            reports = [writer.stdout.readline().strip() for _ in range(4)]
            writer.kill()
        self.assertEqual(reports, ["committed 1", "committed 2", "committed 3", "open"])
        self.assertGreater(Path(f"{path}-wal").stat().st_size, 0)
        store = sqlite_store(path)
        self.addCleanup(store.close)
        found = store.transact_now(lambda ledger: [ledger.find(serial) for serial in [*range(10, 40), 999]])
        self.assertEqual(found, [*entries(range(10, 40)), None])


class FailingDatabaseTests(Case):
    def setUp(self) -> None:
        self.events = EventLoggingObserver()
        self.patch(SQLStore, "_log", Logger(observer=self.events))
        self.path = Path(self.mktemp())
        self.store = sqlite_store(self.path)
        self.addCleanup(self.store.close)
        self.store.transact_now(lambda ledger: ledger.record([entry(1)]))

    @property
    def engine(self) -> Engine:
        return self.store._engine

    def refuse(self, cause: str) -> None:
        """Check that a group is refused, with *cause* in the log and nothing of it in the ledger."""
        group = [entry(2, name="secret", certificate=bytes(300_000)), entry(3)]
        failure = self.failureResultOf(self.store.transact(lambda ledger: ledger.record(group)), Unavailable)
        self.assertIs(failure.value.reason, Reason.STORE)
        (logged,) = map(formatEvent, self.events)
        self.assertIn(cause, logged)
        self.assertNotIn("secret", logged)

    def recover(self) -> None:
        """Check that the next group is recorded beside what was there before, on a connection without a past."""
        self.store.transact_now(lambda ledger: ledger.record([entry(4, certificate=bytes(300_000))]))
        serials = [serial for serial in range(1, 5) if self.find(serial)]
        self.assertEqual(serials, [1, 4])

    def find(self, serial: int) -> object:
        return self.store.transact_now(lambda ledger: ledger.find(serial))

    def test_a_full_disk(self) -> None:
        with self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        self.refuse("database or disk is full")
        self.recover()

    def test_a_disk_that_does_not_take_what_is_written(self) -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        # Enough for the transaction's first page and for a test runner's log, not for the whole group.
        resource.setrlimit(resource.RLIMIT_FSIZE, (Path(f"{self.path}-wal").stat().st_size + 4096, limits[1]))
        try:
            self.refuse("disk I/O error")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.recover()

    def test_a_lock_that_another_program_holds(self) -> None:
        other = sqlite_store(self.path)
        self.addCleanup(other.close)
        other.transact_now(lambda ledger: self.refuse("database is locked"))
        self.recover()

    def test_a_connection_that_broke(self) -> None:
        pooled = self.engine.raw_connection()
        connection = pooled.dbapi_connection
        assert connection is not None
        pooled.close()
        connection.close()
        self.refuse("closed database")
        self.recover()

    def test_a_database_that_cannot_be_opened_again(self) -> None:
        self.engine.dispose()
        hidden = self.path.rename(f"{self.path}.hidden")
        self.refuse("unable to open database file")
        hidden.rename(self.path)
        self.recover()

    def test_a_serial_number_that_is_there_already(self) -> None:
        again = [entry(5), entry(1, name="secret")]
        error = self.assertRaises(Unavailable, self.store.transact_now, lambda ledger: ledger.record(again))
        self.assertNotIn("secret", str(error.__cause__))
        (logged,) = map(formatEvent, self.events)
        self.assertIn("UNIQUE constraint failed", logged)
        self.assertNotIn("secret", logged)
        self.recover()

    def test_a_ledger_that_lost_the_row_that_is_touched(self) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM heartbeat")
        self.assertRaises(Unavailable, self.store.transact_now, lambda ledger: ledger.touch())

    def test_touching_writes(self) -> None:
        other = sqlite_store(self.path)
        self.addCleanup(other.close)
        before = Path(f"{self.path}-wal").read_bytes()
        self.store.transact_now(lambda ledger: ledger.touch())
        self.assertNotEqual(Path(f"{self.path}-wal").read_bytes(), before)

    def test_a_closed_store_takes_no_more(self) -> None:
        self.successResultOf(self.store.close())
        failure = self.failureResultOf(self.store.transact(count), Unavailable)
        self.assertIs(failure.value.reason, Reason.STOPPING)
        error = self.assertRaises(Unavailable, self.store.transact_now, count)
        self.assertIs(error.reason, Reason.STOPPING)
        self.assertEqual(len(self.events), 0)


class ThreadTests(Case):
    def test_the_work_is_left_to_the_thread(self) -> None:
        opened = sqlite_store(Path(self.mktemp()))
        self.addCleanup(opened.close)
        given: list[object] = []

        def run_in_thread(call: Callable[[], T]) -> Deferred[T]:
            given.append(call)
            return Deferred()

        self.assertNoResult(SQLStore(opened._engine, run_in_thread).transact(lambda ledger: 1 // 0))
        self.assertEqual(len(given), 1)
