"""Binding: a predicate and an order, as they were written, become ones that a kind's source can answer.

Literals become values, derived fields the instants that they follow from, and what the kind cannot fulfil nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from pkid.errors import Malformed, Reason
from pkid.inventory.kinds import KIND, Derivation, Field, Kind, Resource, Type
from pkid.inventory.literals import Literal, read_value
from pkid.inventory.order import Order, SortKey
from pkid.inventory.predicate import (
    ALL,
    NOTHING,
    And,
    Compare,
    In,
    IsKind,
    Not,
    Operator,
    Or,
    Predicate,
    conjunction,
    disjunction,
    matches,
    negation,
)

__all__ = ["EVERY_KIND", "bind", "bind_order", "complete", "may_match"]

EVERY_KIND = "resource"
"""What ``is(...)`` calls all kinds together."""

_OF_ORDER = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)


def may_match(predicate: Predicate, kind: Kind) -> bool:
    """Tell whether a resource of a kind could be wanted, whatever its values are."""
    return _outcomes(predicate, kind)[0]


def bind(predicate: Predicate, kind: Kind, now: datetime) -> Predicate:
    """Return what a predicate of literals means for a kind.

    :param now: the time of the search, aware UTC.
    :raises Malformed: when a literal is no value of its field, or cannot be compared so.
    """
    match predicate:
        case And(terms):
            return conjunction([bind(term, kind, now) for term in terms])
        case Or(terms):
            return disjunction([bind(term, kind, now) for term in terms])
        case Not(term):
            return negation(bind(term, kind, now))
        case IsKind(kinds):
            return ALL if kind.name in kinds or EVERY_KIND in kinds else NOTHING
        case Compare(name, operator, literal, position):
            return _bind_comparison(kind.field(name), operator, literal, position, kind, now)
        case In(name, literals, position):
            equal = Operator.EQUAL
            found = kind.field(name)
            if found is None or found is KIND or found.derivation is not None:
                return disjunction([_bind_comparison(found, equal, each, position, kind, now) for each in literals])
            return In(name, tuple(read_value(literal, found, now) for literal in literals), position)


def bind_order(order: Order, kind: Kind) -> Order:
    """Return an order by the kind's own fields, which ends with its identity, so that no two resources stand alike.

    Fields that the kind does not have are the same for all, and are left out.
    """
    keys: list[SortKey] = []
    for key in order:
        found = kind.field(key.field)
        if found is not None and found is not KIND:
            keys.append(_undo_derivation(key, found))
    if any(key.field == kind.identity for key in keys):
        return tuple(keys)
    last = (keys or order)[-1]
    return (*keys, SortKey(kind.identity, last.descending))


def complete(resource: Resource, kind: Kind, now: datetime) -> Resource:
    """Return a resource with its kind's name and the fields that are derived."""
    derived = {field.name: _derive(field, resource.get(field.origin), now) for field in kind.fields if field.derivation}
    return {KIND.name: kind.name, **resource, **derived}


def _outcomes(predicate: Predicate, kind: Kind) -> tuple[bool, bool]:
    """Tell whether a predicate can be true, and whether it can be false."""
    match predicate:
        case And(terms):
            found = [_outcomes(term, kind) for term in terms]
            return all(true for true, _ in found), any(false for _, false in found)
        case Or(terms):
            found = [_outcomes(term, kind) for term in terms]
            return any(true for true, _ in found), all(false for _, false in found)
        case Not(term):
            true, false = _outcomes(term, kind)
            return false, true
        case IsKind(kinds):
            is_one = kind.name in kinds or EVERY_KIND in kinds
            return is_one, not is_one
    return True, True


def _bind_comparison(
    field: Field | None, operator: Operator, literal: Literal, position: int, kind: Kind, now: datetime
) -> Predicate:
    if operator is Operator.UNEQUAL:
        return negation(_bind_comparison(field, Operator.EQUAL, literal, position, kind, now))
    if field is None:
        return NOTHING
    _check_operator(field, operator, literal)
    value = read_value(literal, field, now)
    bound = Compare(field.name, operator, value, position)
    if field is KIND:
        return ALL if matches(bound, {KIND.name: kind.name}) else NOTHING
    if field.derivation is not None:
        return _without_derivation(bound, field, now)
    return bound


def _check_operator(field: Field, operator: Operator, literal: Literal) -> None:
    """Refuse what no values of the field's type can be asked."""
    absent = literal.is_null and operator is not Operator.EQUAL
    pattern = operator is Operator.LIKE and field.type is not Type.TEXT
    truth = operator in _OF_ORDER and field.type is Type.BOOLEAN
    if absent or pattern or truth:
        what = "null" if absent else field.type.value
        raise Malformed(
            Reason.COMMAND,
            f"{field.name} {operator.value} cannot be asked of {what}, at character {literal.position} of the search",
        )


def _without_derivation(bound: Compare, field: Field, now: datetime) -> Predicate:
    if bound.value is None:
        return replace(bound, field=field.origin)
    if field.derivation is Derivation.AGE:
        try:
            return Compare(field.origin, bound.operator.mirrored, now - bound.value, bound.position)
        except OverflowError:
            raise Malformed(Reason.COMMAND, f"{field.name} cannot be as long as {bound.value}") from None
    return Compare(field.origin, Operator.LESS if bound.value else Operator.AT_LEAST, now, bound.position)


def _undo_derivation(key: SortKey, field: Field) -> SortKey:
    """Sort by the instant: what is older, or over, has the earlier one."""
    return key if field.derivation is None else SortKey(field.origin, not key.descending, key.position)


def _derive(field: Field, origin: Any, now: datetime) -> Any:
    if origin is None:
        return None
    return now - origin if field.derivation is Derivation.AGE else origin < now


def fields_of(predicate: Predicate) -> Iterable[tuple[str, int]]:
    """Yield the fields that a predicate names, and where."""
    match predicate:
        case And(terms) | Or(terms):
            for term in terms:
                yield from fields_of(term)
        case Not(term):
            yield from fields_of(term)
        case Compare(name, position=position) | In(name, position=position):
            yield name, position


def kinds_of(predicate: Predicate) -> Iterable[tuple[str, int]]:
    """Yield the kinds that a predicate names, and where."""
    match predicate:
        case And(terms) | Or(terms):
            for term in terms:
                yield from kinds_of(term)
        case Not(term):
            yield from kinds_of(term)
        case IsKind(kinds, position):
            yield from ((kind, position) for kind in kinds)
