"""Conditions: predicates and orders in SQL, with bound values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Text, and_, false, literal, not_, or_, true, tuple_, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from pkid.inventory.kinds import CERTIFICATE, Resource
from pkid.inventory.order import Order, SortKey
from pkid.inventory.predicate import And, Compare, In, Not, Operator, Or, Predicate
from pkid.store.schema import certificates

__all__ = ["COLUMNS", "Unindexed", "behind", "condition", "direction", "name_ends"]

COLUMNS: dict[str, ColumnElement[Any]] = {
    # Serial numbers and digests are compared as they are stored: not every text of digits is a valid one.
    field.name: type_coerce(certificates.c[field.name], Text)
    if field.name in ("serial", "renews")
    else certificates.c[field.name]
    for field in CERTIFICATE.stored
}
"""The columns of the stored fields, by their names."""

_NULLABLE = frozenset(name for name in COLUMNS if certificates.c[name].nullable)
_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_", "*": "%"})
_CHAIN = 128  # terms, of up to four comparisons each; SQLite follows 1,000 (https://sqlite.org/limits.html, item 5)
_SURROGATES = range(0xD800, 0xE000)


class Unindexed(FunctionElement[bool]):
    """A condition that the database must not look up in an index."""

    inherit_cache = True
    type = Boolean()


@compiles(Unindexed)
def _as_it_is(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(Unindexed, "sqlite")
def _hidden(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    """Write the sign that hides a term from SQLite's planner (https://sqlite.org/optoverview.html, section 3)."""
    return f"+({compiler.process(element.clauses, **options)})"


def condition(predicate: Predicate) -> ColumnElement[bool]:
    """Return the condition for a predicate that is bound to certificates; it is never NULL."""
    match predicate:
        case And(terms):
            return _all_of(list(_flat(terms)))
        case Or(terms):
            return or_(false(), *map(condition, terms))
        case Not(term):
            return not_(condition(term))
        case Compare(name, operator, value):
            comparison = _comparison(name, operator, value)
            return comparison if value is None else _never_null(name, comparison)
        case In(name, values):
            equal = Operator.EQUAL
            some = COLUMNS[name].in_([_bound(name, value) for value in values if value is not None])
            given = _never_null(name, some)
            return or_(given, _comparison(name, equal, None)) if None in values else given
    raise TypeError("the predicate is not bound to a kind")


def _all_of(terms: list[Predicate]) -> ColumnElement[bool]:
    """Join terms by AND, in several chains if they are many."""
    rest = (terms[start : start + _CHAIN] for start in range(_CHAIN, len(terms), _CHAIN))
    return and_(true(), *map(condition, terms[:_CHAIN]), *(Unindexed(_all_of(part)) for part in rest))


def _flat(terms: Iterable[Predicate]) -> Iterator[Predicate]:
    for term in terms:
        yield from _flat(term.terms) if isinstance(term, And) else (term,)


def _comparison(name: str, operator: Operator, value: Any) -> ColumnElement[bool]:
    column = COLUMNS[name]
    if value is None:
        return column.is_(None)
    bound = _bound(name, value)
    match operator:
        case Operator.EQUAL:
            return column == bound
        case Operator.LESS:
            return column < bound
        case Operator.AT_MOST:
            return column <= bound
        case Operator.GREATER:
            return column > bound
        case Operator.AT_LEAST:
            return column >= bound
        case Operator.LIKE:
            return _like(column, value)
    raise TypeError("the predicate is not bound to a kind")


def _like(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Match a pattern, within the range of its first letters, which an index finds."""
    matched = column.like(pattern.translate(_ESCAPED), escape="\\")
    return and_(matched, _begins(column, pattern.partition("*")[0]))


def name_ends(ending: str) -> ColumnElement[bool]:
    """Return the condition for names that end so, which an index finds by the names backwards."""
    return _begins(certificates.c.reversed_name, ending[::-1])


def _begins(column: ColumnElement[str], start: str) -> ColumnElement[bool]:
    end = _end_of_range(start)
    return and_(column >= start if start else true(), column < end if end else true())


def _end_of_range(start: str) -> str:
    """Return the first text behind all those that begin so; empty when there is none."""
    rest = start.rstrip("\U0010ffff")
    if not rest:
        return ""
    following = ord(rest[-1]) + 1
    return rest[:-1] + chr(_SURROGATES.stop if following in _SURROGATES else following)


def _never_null(name: str, comparison: ColumnElement[bool]) -> ColumnElement[bool]:
    """Let a comparison with an absent value be false, as predicates have it."""
    return and_(COLUMNS[name].is_not(None), comparison) if name in _NULLABLE else comparison


def _bound(name: str, value: Any) -> ColumnElement[Any]:
    stored = bytes.fromhex(value.replace(":", "")) if name == "sha256" else value
    return literal(stored, COLUMNS[name].type)


def direction(key: SortKey) -> ColumnElement[Any]:
    """Return what stands behind ORDER BY for a field."""
    column = COLUMNS[key.field]
    if key.field not in _NULLABLE:
        return column.desc() if key.descending else column.asc()
    return column.desc().nulls_last() if key.descending else column.asc().nulls_first()


def behind(order: Order, after: Resource) -> ColumnElement[bool]:
    """Return the condition for what stands behind a certificate.

    Rows are compared as a whole where that is possible, because an index then leads to the place at once.
    """
    if len({key.descending for key in order}) == 1 and not any(key.field in _NULLABLE for key in order):
        columns = tuple_(*(COLUMNS[key.field] for key in order))
        last = tuple_(*(_bound(key.field, after[key.field]) for key in order))
        return columns < last if order[0].descending else columns > last

    def extend(rest: ColumnElement[bool], key: SortKey) -> ColumnElement[bool]:
        same = _comparison(key.field, Operator.EQUAL, after[key.field])
        return or_(_is_behind(key, after[key.field]), and_(same, rest))

    return reduce(extend, reversed(order), false())


def _is_behind(key: SortKey, value: Any) -> ColumnElement[bool]:
    column = COLUMNS[key.field]
    if value is None:
        return false() if key.descending else column.is_not(None)
    if not key.descending:
        return _never_null(key.field, column > _bound(key.field, value))
    smaller = column < _bound(key.field, value)
    return or_(smaller, column.is_(None)) if key.field in _NULLABLE else smaller
