"""The ledger's two statements of every order, made once for a kind of database and given to its driver as they are.

SQLAlchemy writes them and says how each value is stored; only its work for each execution is left out, which takes
longer than the database does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter

from sqlalchemy import Connection, Dialect, bindparam, select

from pkid.ca.ledger import Entry
from pkid.store.prepared import Conversion, Insertion, compiled, converted
from pkid.store.schema import certificates

__all__ = ["FIELDS", "insert_entries", "select_entries"]

FIELDS = tuple(field.name for field in fields(Entry))
"""The columns of an entry, in its order."""

_ROW = (*FIELDS, "reversed_name")
_values = attrgetter(*FIELDS)
_INSERTION = Insertion(certificates, _ROW)


def insert_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add rows, one at least; those of a group go in one statement."""
    _INSERTION.run(connection, [(*_values(entry), entry.name[::-1]) for entry in entries])


def select_entries(connection: Connection, hashes: Sequence[bytes], since: datetime) -> list[Entry]:
    """Find the entries for any of these requests, one at least, that were signed at or after *since*; newest last.

    By the hash alone, because SQLite scans the whole table for pairs of hash and credential; few hashes have two.
    """
    selection = _selection(connection.dialect, len(hashes))
    values = converted(selection.values, (*hashes, since))
    return [Entry(*converted(selection.results, row)) for row in connection.exec_driver_sql(selection.text, values)]


@dataclass(frozen=True, slots=True)
class _Selection:
    """A statement as a driver takes it.

    :ivar values: how each value that is bound is made what the driver stores, and
    :ivar results: how each that it reads is made ours.
    """

    text: str
    values: tuple[Conversion, ...]
    results: tuple[Conversion, ...]


@lru_cache(128)
def _selection(dialect: Dialect, hashes: int) -> _Selection:
    """Make the statement for so many hashes: as many as a group has orders, at most."""
    wanted = [bindparam(f"hash_{number}", type_=certificates.c.csr_sha256.type) for number in range(hashes)]
    statement = (
        select(*(certificates.c[name] for name in FIELDS))
        .where(certificates.c.csr_sha256.in_(wanted), certificates.c.issued_at >= bindparam("since"))
        .order_by(certificates.c.issued_at, certificates.c.serial)
    )
    results = (certificates.c[name].type.dialect_impl(dialect).result_processor(dialect, None) for name in FIELDS)
    text, places = compiled(statement, dialect)
    return _Selection(text, tuple(convert for _, convert in places), tuple(results))
