"""Opens a SQLite file of the core's: makes it if there is none, and refuses what is not ours or not safe.

Knows SQLite, file modes and pragmas; the tables are `pkid.store.schema`'s business.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from pkid.errors import StateError
from pkid.store.upgrade import LEDGER, Schema, bring_up_to_date

__all__ = ["open_reader", "open_sqlite"]

_MAGIC = b"SQLite format 3\0"
_LONGEST_LOG = 4096
"""Pages of 4 KiB in the write-ahead log before it is merged into the file: most change several times until then."""
_RESTORE = "restore it from a copy, or move it away to start with an empty one"
_PROBLEMS = {
    sqlite3.SQLITE_BUSY: ("is in use by another program", "stop that program"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", _RESTORE),
    sqlite3.SQLITE_NOTADB: ("is damaged", _RESTORE),
    sqlite3.SQLITE_FULL: ("cannot be written, the disk is full", "make room on it"),
    sqlite3.SQLITE_READONLY: ("cannot be written", "let pkid's user write the file and its directory"),
}


def open_sqlite(path: Path, busy_timeout: timedelta = timedelta(seconds=5), schema: Schema = LEDGER) -> Engine:
    """Open the database at *path*, or make an empty one, and bring its schema up to date.

    :param busy_timeout: how long a transaction waits for a lock that another program holds.
    :raises StateError: if there is something that cannot be used; it is left as it is.
    """
    try:
        _make_or_check(path, schema)
        engine = _engine(path, busy_timeout)
        try:
            with engine.begin() as connection:
                bring_up_to_date(connection, path, schema)
        except BaseException:
            engine.dispose()
            raise
    except OSError as error:
        raise StateError(path, f"cannot be opened ({error.strerror})", "let pkid's user read and write it") from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _state_error(path, error, schema) from error
    return engine


def open_reader(path: Path) -> Engine:
    """Open a database once more, for reading only, while the engine of :func:`open_sqlite` has it open."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, 0, mode="ro"),
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
    )
    event.listen(engine, "connect", _configure_reader)
    event.listen(engine, "begin", _begin_reading)
    return engine


def _state_error(path: Path, error: Exception, schema: Schema) -> StateError:
    """Say what SQLite's result code means for the file (https://sqlite.org/rescode.html)."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    unknown = f"cannot be used as a {schema.what} ({cause})", "check its disk, or restore it from a copy"
    return StateError(path, *_PROBLEMS.get(code, unknown))


def _make_or_check(path: Path, schema: Schema) -> None:
    """Make an empty file that is marked as ours, or see that what is there is ours and private.

    Reads the file itself, so that SQLite touches no file that is another's.

    :raises StateError: if it is not.
    :raises OSError: if it cannot be read and written.
    """
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    _check_modes(path)
    with path.open("r+b") as file:
        header = file.read(100)
    if not header:
        _mark(path, schema.application)
    elif not header.startswith(_MAGIC):
        raise StateError(path, f"is not a {schema.what}", "move it away, or choose another state directory")
    elif header[68:72] != schema.application.to_bytes(4, "big"):
        raise StateError(path, "is another program's database", "move it away, or choose another state directory")


def _check_modes(path: Path) -> None:
    """See that the file, and what SQLite keeps beside it, is a regular file for its owner only."""
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        if not file.exists():
            continue
        found = file.stat()
        mode = found.st_mode
        if not stat.S_ISREG(mode):
            raise StateError(file, "is not a regular file", "move it away, or choose another state directory")
        if found.st_uid not in (os.geteuid(), 0):
            raise StateError(file, "belongs to another user", "see who could have changed it, then run chown on it")
        if mode & 0o077:
            raise StateError(file, f"is open to other users (mode {mode & 0o777:o})", f"run chmod 600 {file}")


def _mark(path: Path, application: int) -> None:
    """Make an empty file a database that is ours, before anything else is written to it."""
    with closing(_connect(path, timeout=0)) as connection:
        connection.execute(f"PRAGMA application_id = {application}")


def _connect(path: Path, timeout: float, mode: str = "rw") -> sqlite3.Connection:
    """Open a connection that never makes a file and begins no transaction of its own; *timeout* in seconds."""
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)


def _engine(path: Path, busy_timeout: timedelta) -> Engine:
    """Make an engine with one connection, which may pass from thread to thread but serves one at a time."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, busy_timeout.total_seconds()),
        # Errors are logged, and what was written is nobody's business.
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    """Make a commit mean that the data is on the disk (https://sqlite.org/pragma.html#pragma_synchronous)."""
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise sqlite3.NotSupportedError("its file system does not support a write-ahead log")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LONGEST_LOG}")


def _begin(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not get it later without a failure."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _configure_reader(connection: sqlite3.Connection, _record: object) -> None:
    """Tell letters of different case apart in LIKE, as every other comparison does."""
    connection.execute("PRAGMA case_sensitive_like = ON")


def _begin_reading(connection: Connection) -> None:
    """See one state of the database until the end; a write-ahead log lets others write meanwhile."""
    connection.exec_driver_sql("BEGIN")
