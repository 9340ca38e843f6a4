"""The core's databases, ledger and message store: whether a file is whole, of this version, and has room.

Nothing is written to them.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pkid.shell.doctor.finding import Finding, ok, problem, warning

__all__ = ["Contents", "Expected", "check_contents", "check_room", "open_read_only", "read_database"]

_PATIENCE = 5  # seconds for a lock that a core holds
_LEAST_FREE = 4 << 20  # bytes; with less, the core says that it is not ready
_FEW_FREE = 256 << 20


@dataclass(frozen=True, slots=True)
class Expected:
    """What a database is to be.

    :ivar what: what people call it.
    :ivar application: the number by which SQLite's files are told apart.
    :ivar version: of the schema that this pkid knows.
    :ivar version_table: where the file says its own.
    :ivar counted: the table whose rows are counted.
    :ivar without_room: what the core does not do when the disk is full.
    """

    what: str
    application: int
    version: str
    version_table: str
    counted: str
    without_room: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database's file is.

    :ivar application: the number by which SQLite's files are told apart.
    :ivar damage: the first thing that is wrong with it, or ``ok``.
    :ivar version: of its schema; ``None`` if it has none.
    :ivar rows: of the table that is counted.
    """

    application: int
    damage: str
    version: str | None
    rows: int


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a database, leaving nothing beside its file.

    :raises sqlite3.Error: when it cannot be read.
    """
    # A file that nobody uses must stay without the files that SQLite would put beside it.
    immutable = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro{immutable}"
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)


def read_database(path: Path, expected: Expected) -> Contents:
    """Read a database and check every page of it, which takes seconds for a large one.

    :raises sqlite3.Error: when it cannot be read.
    """
    with closing(open_read_only(path)) as connection:

        def one(statement: str) -> object:
            return (connection.execute(statement).fetchone() or (None,))[0]

        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        version = one(f"SELECT version_num FROM {expected.version_table}") if expected.version_table in tables else None
        return Contents(
            application=int(str(one("PRAGMA application_id"))),
            damage=str(one("PRAGMA quick_check(1)")),
            version=None if version is None else str(version),
            rows=int(str(one(f"SELECT count(*) FROM {expected.counted}"))) if expected.counted in tables else 0,
        )


def check_contents(contents: Contents, expected: Expected) -> Iterator[Finding]:
    """Check what was read."""
    what, version = expected.what, expected.version
    if contents.application != expected.application:
        yield problem(f"the {what} is another program's database", "move it away, or name another --state")
        return
    if contents.damage != "ok":
        yield problem(f"the {what} is damaged: {contents.damage}", "stop the core, and restore it from a backup")
    else:
        yield ok(f"the {what} is whole; {expected.counted} in it: {contents.rows}")
    if contents.version is None or contents.version < version:
        yield warning(f"the {what} was written by an older pkid", "the core's next start brings it up to date")
    elif contents.version > version:
        yield problem(
            f"the {what} was written by a newer pkid (its schema is {contents.version}, this one knows {version})",
            "install that version",
        )


def check_room(expected: Expected, size: int, free: int) -> Finding:
    """Check the room on the disk.

    :param size: bytes that the database takes.
    :param free: bytes that are free.
    """
    what = f"the {expected.what} takes {size / 1e6:,.1f} MB, and {free / 1e6:,.0f} MB are free on its disk"
    if free < _LEAST_FREE:
        return problem(what, f"make room: {expected.without_room} until there is some")
    if free < _FEW_FREE:
        return warning(what, "make room")
    return ok(what)
