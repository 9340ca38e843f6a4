"""A SQLite file is made private and durable, and what is not a usable ledger is refused as it is."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import Engine, event
from sqlalchemy.exc import TimeoutError

from pkid.errors import StateError
from pkid.store import sqlite
from pkid.store.schema import HEAD
from pkid.store.sqlite import open_sqlite
from pkid.store.upgrade import LEDGER
from tests.store.entries import count, entry, sqlite_store
from tests.support import Case, require

NOBODY = 65534


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Read the bytes and mode of every file of a folder."""
    return {file.name: (file.read_bytes(), file.stat().st_mode) for file in folder.iterdir() if file.is_file()}


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


class SQLiteCase(Case):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.path = self.folder / "ledger.db"

    def open(self, busy_timeout: timedelta = timedelta(seconds=5)) -> Engine:
        engine = open_sqlite(self.path, busy_timeout)
        self.addCleanup(engine.dispose)
        return engine

    def make_ledger(self) -> None:
        """Leave a ledger with one entry, closed."""
        store = sqlite_store(self.path)
        store.transact_now(lambda ledger: ledger.record([entry(1)]))
        self.successResultOf(store.close())


class OpeningTests(SQLiteCase):
    def pragma(self, name: str) -> object:
        with self.open().connect() as connection:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

    def test_the_file_is_its_owners_alone_and_so_is_what_stands_beside_it(self) -> None:
        self.addCleanup(os.umask, os.umask(0))
        store = sqlite_store(self.path)
        self.addCleanup(store.close)
        store.transact_now(lambda ledger: ledger.record([entry(1)]))
        modes = {name: stat.S_IMODE(mode) for name, (_, mode) in contents(self.folder).items()}
        self.assertEqual(modes, {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600})

    def test_nothing_is_left_beside_a_ledger_that_was_closed(self) -> None:
        self.make_ledger()
        self.assertEqual(list(contents(self.folder)), ["ledger.db"])

    def test_what_was_recorded_is_there_when_it_is_opened_again(self) -> None:
        self.make_ledger()
        store = sqlite_store(self.path)
        self.addCleanup(store.close)
        self.assertEqual(store.transact_now(lambda ledger: ledger.find(1)), entry(1))

    def test_an_empty_file_becomes_a_ledger(self) -> None:
        self.path.touch(0o600)
        self.make_ledger()
        self.assertEqual(self.pragma("application_id"), LEDGER.application)

    def test_the_file_is_marked_as_ours(self) -> None:
        self.assertEqual(self.pragma("application_id"), LEDGER.application)

    def test_a_commit_waits_for_the_disk(self) -> None:
        self.assertEqual((self.pragma("synchronous"), self.pragma("journal_mode")), (2, "wal"))

    def test_the_log_is_merged_into_the_file_every_sixteen_mebibytes(self) -> None:
        self.assertEqual((self.pragma("wal_autocheckpoint"), self.pragma("page_size")), (4096, 4096))

    def test_a_database_that_cannot_have_a_write_ahead_log_is_refused(self) -> None:
        with closing(sqlite3.connect(":memory:")) as connection:
            self.assertRaises(sqlite3.NotSupportedError, sqlite._configure, connection, None)

    def test_foreign_keys_are_kept(self) -> None:
        self.assertEqual(self.pragma("foreign_keys"), 1)

    def test_the_busy_timeout_is_the_one_that_is_asked_for(self) -> None:
        with self.open(busy_timeout=timedelta(seconds=2.5)).connect() as connection:
            self.assertEqual(connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one(), 2500)

    def test_a_connection_that_replaces_another_is_as_durable(self) -> None:
        engine = self.open()
        with engine.connect() as connection:
            connection.invalidate()
        with engine.connect() as connection:
            self.assertEqual(connection.exec_driver_sql("PRAGMA synchronous").scalar_one(), 2)

    def test_a_transaction_takes_the_write_lock_at_its_beginning(self) -> None:
        with self.open().begin(), closing(sqlite3.connect(self.path, timeout=0)) as other:
            self.assertRaises(sqlite3.OperationalError, other.execute, "BEGIN IMMEDIATE")

    def test_there_is_one_connection(self) -> None:
        engine = self.open()
        self.patch(engine.pool, "_timeout", 0)
        with engine.connect():
            self.assertRaises(TimeoutError, engine.connect)

    def test_the_path_may_hold_what_means_something_in_a_uri(self) -> None:
        self.path = self.folder / "a?mode=memory#b%41 ü.db"
        self.make_ledger()
        self.assertEqual(list(contents(self.folder)), [self.path.name])

    def test_an_up_to_date_ledger_is_not_written_by_opening_it(self) -> None:
        self.make_ledger()
        before = contents(self.folder)
        self.open().dispose()
        self.assertEqual(contents(self.folder), before)

    def test_a_ledger_whose_writer_died_is_opened_with_what_was_committed(self) -> None:
        """A copy of the files of a live store is what a crash leaves."""
        store = sqlite_store(self.folder / "live.db")
        self.addCleanup(store.close)
        store.transact_now(lambda ledger: ledger.record([entry(1)]))
        for suffix in ("", "-wal"):
            shutil.copy(self.folder / f"live.db{suffix}", f"{self.path}{suffix}")
        self.assertGreater(Path(f"{self.path}-wal").stat().st_size, 0)
        left = sqlite_store(self.path)
        self.addCleanup(left.close)
        self.assertEqual(left.transact_now(lambda ledger: ledger.find(1)), entry(1))


class RefusalTests(SQLiteCase):
    def refuse(self, problem: str) -> StateError:
        """Check that opening is refused with *problem*, names the file and changes nothing."""
        before = contents(self.folder)
        error: StateError = self.assertRaises(StateError, open_sqlite, self.path, timedelta(milliseconds=10))
        self.assertIn(problem, error.problem)
        self.assertTrue(str(error.path).startswith(str(self.path)), error.path)
        self.assertEqual(contents(self.folder), before)
        return error

    def test_a_file_that_is_no_database(self) -> None:
        self.path.write_bytes(b"# my notes\n" * 100)
        self.path.chmod(0o600)
        self.refuse("is not a ledger")

    def test_a_file_too_short_for_a_database(self) -> None:
        self.path.write_bytes(b"x")
        self.path.chmod(0o600)
        self.refuse("is not a ledger")

    def test_another_programs_database(self) -> None:
        sql(self.path, "CREATE TABLE certificates (serial)", "INSERT INTO certificates VALUES (1)")
        self.path.chmod(0o600)
        self.refuse("another program's database")

    def test_another_programs_database_whose_tables_are_still_in_its_log(self) -> None:
        with closing(sqlite3.connect(self.path)) as theirs:
            theirs.execute("PRAGMA journal_mode = WAL")
            theirs.execute("CREATE TABLE theirs (id)")
            for file in self.folder.iterdir():
                file.chmod(0o600)
            self.refuse("another program's database")

    def test_a_database_with_our_mark_and_foreign_tables(self) -> None:
        sql(self.path, f"PRAGMA application_id = {LEDGER.application}", "CREATE TABLE certificates (serial)")
        self.path.chmod(0o600)
        before = self.path.read_bytes()
        error = self.assertRaises(StateError, open_sqlite, self.path)
        self.assertIn("already exists", error.problem)
        # Its journal mode is changed by then; its tables are not.
        self.assertEqual(len(self.path.read_bytes()), len(before))

    def test_a_ledger_that_was_cut_short(self) -> None:
        self.make_ledger()
        os.truncate(self.path, self.path.stat().st_size // 2)
        self.refuse("is damaged")

    def test_a_ledger_whose_list_of_tables_is_garbage(self) -> None:
        self.make_ledger()
        overwrite(self.path, 104, b"\xa5" * 3900)
        self.refuse("is damaged")

    def test_a_ledger_whose_header_is_garbage_after_the_mark(self) -> None:
        self.make_ledger()
        overwrite(self.path, 16, b"\xff" * 40)
        self.refuse("is damaged")

    def test_a_ledger_of_a_newer_pkid(self) -> None:
        self.make_ledger()
        sql(self.path, "UPDATE alembic_version SET version_num = '9999'")
        self.refuse(f"was written by a newer pkid (its schema is 9999, this one knows up to {HEAD})")

    def test_a_ledger_that_lost_its_version(self) -> None:
        self.make_ledger()
        sql(self.path, "DELETE FROM alembic_version")
        self.refuse("cannot be used as a ledger")

    def test_a_ledger_that_others_may_read(self) -> None:
        self.make_ledger()
        for mode in (0o640, 0o604, 0o620, 0o601):
            self.path.chmod(mode)
            self.refuse(f"is open to other users (mode {mode:o})")

    def test_a_log_that_others_may_read(self) -> None:
        self.make_ledger()
        log = Path(f"{self.path}-wal")
        log.touch(0o644)
        self.assertEqual(self.refuse("is open to other users").path, log)

    def test_a_directory(self) -> None:
        self.path.mkdir()
        self.refuse("is not a regular file")

    def test_a_pipe_is_refused_and_not_waited_for(self) -> None:
        os.mkfifo(self.path, 0o600)
        self.refuse("is not a regular file")

    def test_a_path_in_no_directory(self) -> None:
        self.path = self.folder / "absent" / "ledger.db"
        self.refuse("No such file or directory")

    def test_a_ledger_that_another_program_has_locked(self) -> None:
        self.make_ledger()
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.assertIn("in use", self.assertRaises(StateError, open_sqlite, self.path, timedelta()).problem)

    def test_an_empty_file_that_another_program_has_locked(self) -> None:
        self.path.touch(0o600)
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            self.refuse("is in use")

    def test_a_disk_that_is_full_before_the_tables_are_made_and_is_tried_again(self) -> None:

        def configure(connection: sqlite3.Connection, record: object) -> None:
            real(connection, record)
            connection.execute("PRAGMA max_page_count = 2")

        real = sqlite._configure
        patch = self.patch(sqlite, "_configure", configure)
        error = self.assertRaises(StateError, open_sqlite, self.path)
        self.assertIn("the disk is full", error.problem)
        patch.restore()
        self.make_ledger()


class PermissionTests(Case):
    """What the file system forbids. Root may do everything, so these tests give that up for a moment."""

    def setUp(self) -> None:
        require(os.name == "posix", "POSIX permissions")
        # Not under the working directory, which another user may not be allowed to enter.
        self.folder = Path(mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = self.folder / "ledger.db"
        self.successResultOf(sqlite_store(self.path).close())
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, -1)
            os.chown(self.path, NOBODY, -1)
            os.seteuid(NOBODY)
            self.addCleanup(os.seteuid, 0)

    def refuse(self, problem: str) -> None:
        error = self.assertRaises(StateError, open_sqlite, self.path)
        self.assertIn(problem, error.problem)

    def restrict(self, path: Path, mode: int) -> None:
        self.addCleanup(path.chmod, path.stat().st_mode)
        path.chmod(mode)

    def test_without_restrictions_it_opens(self) -> None:
        open_sqlite(self.path).dispose()

    def test_a_file_that_cannot_be_read(self) -> None:
        self.restrict(self.path, 0)
        self.refuse("cannot be opened (Permission denied)")

    def test_a_file_that_cannot_be_written(self) -> None:
        self.restrict(self.path, 0o400)
        self.refuse("cannot be opened (Permission denied)")

    def test_a_directory_that_cannot_be_entered(self) -> None:
        self.restrict(self.folder, 0)
        self.refuse("cannot be opened (Permission denied)")

    def test_a_directory_that_cannot_be_written(self) -> None:
        self.restrict(self.folder, 0o500)
        self.refuse("cannot be written")


class FailedMigrationTests(SQLiteCase):
    def interrupt(self, beginning: str) -> None:
        """Fail in every engine before the first statement with this beginning."""

        def interrupt(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.startswith(beginning):
                raise sqlite3.OperationalError("disk I/O error")

        event.listen(Engine, "before_cursor_execute", interrupt)
        self.stop: Callable[[], None] = lambda: event.remove(Engine, "before_cursor_execute", interrupt)
        self.addCleanup(lambda: self.stop())

    def test_a_migration_that_fails_half_way_leaves_nothing_of_it(self) -> None:
        self.interrupt("CREATE INDEX certificates_by_not_after")
        error = self.assertRaises(StateError, open_sqlite, self.path)
        self.assertIn("disk I/O error", error.problem)
        with closing(sqlite3.connect(self.path)) as connection:
            self.assertEqual(connection.execute("SELECT name FROM sqlite_master").fetchall(), [])
        self.stop()
        self.stop = lambda: None
        store = sqlite_store(self.path)
        self.addCleanup(store.close)
        self.assertEqual(store.transact_now(count), 0)
