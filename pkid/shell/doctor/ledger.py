"""The ledger: whether its file is whole, of this version, and has room; nothing is written to it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pkid.shell.doctor.finding import Finding, ok, problem, warning

__all__ = ["Contents", "check_contents", "check_room", "read_ledger"]

_PATIENCE = 5  # seconds for a lock that a core holds
_LEAST_FREE = 4 << 20  # bytes; with less, the core says that it is not ready
_FEW_FREE = 256 << 20


@dataclass(frozen=True, slots=True)
class Contents:
    """What a ledger's file is.

    :ivar application: the number by which SQLite's files are told apart.
    :ivar damage: the first thing that is wrong with it, or ``ok``.
    :ivar version: of its schema; ``None`` if it has none.
    :ivar certificates: how many there are.
    """

    application: int
    damage: str
    version: str | None
    certificates: int


def read_ledger(path: Path) -> Contents:
    """Read a ledger and check every page of it, which takes seconds for a large one.

    :raises sqlite3.Error: when it cannot be read.
    """
    # A file that nobody uses must stay without the files that SQLite would put beside it.
    immutable = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro{immutable}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)) as connection:

        def one(statement: str) -> object:
            return (connection.execute(statement).fetchone() or (None,))[0]

        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        version = one("SELECT version_num FROM alembic_version") if "alembic_version" in tables else None
        return Contents(
            application=int(str(one("PRAGMA application_id"))),
            damage=str(one("PRAGMA quick_check(1)")),
            version=None if version is None else str(version),
            certificates=int(str(one("SELECT count(*) FROM certificates"))) if "certificates" in tables else 0,
        )


def check_contents(contents: Contents, application: int, version: str) -> Iterator[Finding]:
    """Check what was read.

    :param application: what the number must be.
    :param version: of the schema that this pkid knows.
    """
    if contents.application != application:
        yield problem("the ledger is another program's database", "move it away, or name another --state")
        return
    if contents.damage != "ok":
        yield problem(f"the ledger is damaged: {contents.damage}", "stop the core, and restore it from a backup")
    else:
        yield ok(f"the ledger is whole; certificates in it: {contents.certificates}")
    if contents.version is None or contents.version < version:
        yield warning("the ledger was written by an older pkid", "the core's next start brings it up to date")
    elif contents.version > version:
        yield problem(
            f"the ledger was written by a newer pkid (its schema is {contents.version}, this one knows {version})",
            "install that version",
        )


def check_room(size: int, free: int) -> Finding:
    """Check the room on the disk.

    :param size: bytes that the ledger takes.
    :param free: bytes that are free.
    """
    what = f"the ledger takes {size / 1e6:,.1f} MB, and {free / 1e6:,.0f} MB are free on its disk"
    if free < _LEAST_FREE:
        return problem(what, "make room: the core signs nothing until there is some")
    if free < _FEW_FREE:
        return warning(what, "make room")
    return ok(what)
