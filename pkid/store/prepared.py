"""Statements that are made once for a kind of database, and given to its driver as they are.

SQLAlchemy writes them and says how each value is stored; only its work for each execution is left out, which takes
several times as long as that of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import ClauseElement, Connection, CursorResult, Dialect, Table, insert
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["Conversion", "Insertion", "Prepared", "compiled", "converted"]

_MOST_ROWS = 64  # of one statement, so that a database takes all their values
Conversion = Callable[[Any], Any] | None
"""How a value is made what the driver stores, or the other way round; ``None`` where they are the same."""
_Values = Mapping[str, Any]
_Place = tuple[str, Conversion]
"""A value's name, and how it is made what the driver stores."""


class Prepared:
    """A statement whose values are all bound by names.

    Its results come as the driver gives them: this is for numbers and texts.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._made: dict[str, tuple[str, tuple[_Place, ...]]] = {}

    def run(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Execute it once."""
        text, places = self._for(connection.dialect)
        return connection.exec_driver_sql(text, _row(places, values))

    def _for(self, dialect: Dialect) -> tuple[str, tuple[_Place, ...]]:
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = compiled(self._statement, dialect)
        return made


class Insertion:
    """Adds rows to a table, those of a group in one statement.

    A driver may let other threads run at each statement's start, and then waits for them at its end.

    :param columns: whose values a row has, in the table's order.
    """

    def __init__(self, table: Table, columns: tuple[str, ...]) -> None:
        self._table = table
        self._columns = columns

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows."""
        for start in range(0, len(rows), _MOST_ROWS):
            some = rows[start : start + _MOST_ROWS]
            text, conversions = _insertion(self._table, self._columns, connection.dialect, len(some))
            connection.exec_driver_sql(text, converted(conversions, chain.from_iterable(some)))


def compiled(statement: ClauseElement, dialect: Dialect) -> tuple[str, tuple[_Place, ...]]:
    """Return a statement as a driver takes it, and its values in the order of their places."""
    made = statement.compile(dialect=dialect)
    assert isinstance(made, SQLCompiler)
    names = made.positiontup or ()
    assert len(names) >= len(made.binds), "the driver takes values by their places"
    kinds = (made.binds[name].type.dialect_impl(dialect) for name in names)
    return str(made), tuple(zip(names, (kind.bind_processor(dialect) for kind in kinds), strict=True))


def converted(conversions: Iterable[Conversion], values: Iterable[Any]) -> tuple[Any, ...]:
    """Convert values, each in its way."""
    pairs = zip(conversions, values, strict=True)
    return tuple([value if convert is None else convert(value) for convert, value in pairs])


@lru_cache(256)
def _insertion(
    table: Table, columns: tuple[str, ...], dialect: Dialect, rows: int
) -> tuple[str, tuple[Conversion, ...]]:
    """Make the statement for so many rows."""
    text, places = compiled(insert(table).values([dict.fromkeys(columns) for _ in range(rows)]), dialect)
    return text, tuple(convert for _, convert in places)


def _row(places: tuple[_Place, ...], values: _Values) -> tuple[Any, ...]:
    return tuple([values[name] if convert is None else convert(values[name]) for name, convert in places])
