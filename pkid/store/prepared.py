"""A statement that is made once for a kind of database, and given to its driver as it is.

SQLAlchemy writes it and says how each value is stored; only its work for each execution is left out, which takes
several times as long as that of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection, CursorResult, Dialect
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["Prepared"]

_Values = Mapping[str, Any]
_Place = tuple[str, Callable[[Any], Any] | None]
"""A value's name, and how it is made what the driver stores if that is something else."""


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

    def run_many(self, connection: Connection, rows: Sequence[_Values]) -> None:
        """Execute it for each row, one at least."""
        text, places = self._for(connection.dialect)
        connection.exec_driver_sql(text, [_row(places, values) for values in rows])

    def _for(self, dialect: Dialect) -> tuple[str, tuple[_Place, ...]]:
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = _make(self._statement, dialect)
        return made


def _row(places: tuple[_Place, ...], values: _Values) -> tuple[Any, ...]:
    return tuple([values[name] if convert is None else convert(values[name]) for name, convert in places])


def _make(statement: ClauseElement, dialect: Dialect) -> tuple[str, tuple[_Place, ...]]:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    names = compiled.positiontup or ()
    assert len(names) >= len(compiled.binds), "the driver takes values by their places"
    kinds = (compiled.binds[name].type.dialect_impl(dialect) for name in names)
    return str(compiled), tuple(zip(names, (kind.bind_processor(dialect) for kind in kinds), strict=True))
