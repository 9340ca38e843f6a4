"""The ledger's two statements of every order, made once for a kind of database and given to its driver as they are.

SQLAlchemy writes them and says how each value is stored; only its work for each execution is left out, which takes
longer than the database does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect, bindparam, insert, select
from sqlalchemy.sql.compiler import SQLCompiler

from pkid.ca.ledger import Entry
from pkid.store.schema import certificates

__all__ = ["FIELDS", "insert_entries", "select_entries"]

FIELDS = tuple(field.name for field in fields(Entry))
"""The columns of an entry, in its order."""

_ROW = (*FIELDS, "reversed_name")
_MOST_ROWS = 64  # of one statement, so that a database takes all their values
_values = attrgetter(*FIELDS)
_Conversion = Callable[[Any], Any] | None


def insert_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add rows, one at least; those of a group go in one statement.

    A driver may let other threads run at each statement's start, and then waits for them at its end.
    """
    for start in range(0, len(entries), _MOST_ROWS):
        some = entries[start : start + _MOST_ROWS]
        insertion = _insertion(connection.dialect, len(some))
        values = chain.from_iterable((*_values(entry), entry.name[::-1]) for entry in some)
        connection.exec_driver_sql(insertion.text, _converted(insertion.values, values))


def select_entries(connection: Connection, hashes: Sequence[bytes], since: datetime) -> list[Entry]:
    """Find the entries for any of these requests, one at least, that were signed at or after *since*; newest last.

    By the hash alone, because SQLite scans the whole table for pairs of hash and credential; few hashes have two.
    """
    selection = _selection(connection.dialect, len(hashes))
    values = _converted(selection.values, (*hashes, since))
    return [Entry(*_converted(selection.results, row)) for row in connection.exec_driver_sql(selection.text, values)]


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement as a driver takes it.

    :ivar values: how each value that is bound is made what the driver stores, and
    :ivar results: how each that it reads is made ours; ``None`` where they are the same.
    """

    text: str
    values: tuple[_Conversion, ...]
    results: tuple[_Conversion, ...] = ()


def _converted(conversions: Iterable[_Conversion], values: Iterable[Any]) -> tuple[Any, ...]:
    pairs = zip(conversions, values, strict=True)
    return tuple([value if convert is None else convert(value) for convert, value in pairs])


@lru_cache(128)
def _insertion(dialect: Dialect, rows: int) -> _Statement:
    """Make the statement for so many rows."""
    return _made(insert(certificates).values([dict.fromkeys(_ROW) for _ in range(rows)]), dialect)


@lru_cache(128)
def _selection(dialect: Dialect, hashes: int) -> _Statement:
    """Make the statement for so many hashes: as many as a group has orders, at most."""
    wanted = [bindparam(f"hash_{number}", type_=certificates.c.csr_sha256.type) for number in range(hashes)]
    statement = (
        select(*(certificates.c[name] for name in FIELDS))
        .where(certificates.c.csr_sha256.in_(wanted), certificates.c.issued_at >= bindparam("since"))
        .order_by(certificates.c.issued_at, certificates.c.serial)
    )
    results = (certificates.c[name].type.dialect_impl(dialect).result_processor(dialect, None) for name in FIELDS)
    return replace(_made(statement, dialect), results=tuple(results))


def _made(statement: ClauseElement, dialect: Dialect) -> _Statement:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    assert compiled.positiontup is not None, "the driver takes values by their places"
    types = (compiled.binds[name].type.dialect_impl(dialect) for name in compiled.positiontup)
    return _Statement(str(compiled), tuple(kind.bind_processor(dialect) for kind in types))
