"""Predicates: trees that say which resources are wanted.

A comparison with an absent value is false, so that ``not`` of it is true; only ``= null`` finds absent values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pkid.inventory.kinds import Resource, Value

__all__ = ["ALL", "NOTHING", "And", "Compare", "In", "IsKind", "Not", "Operator", "Or", "Predicate", "conjunction"]


class Operator(Enum):
    """How a field is compared with a value."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    LIKE = "like"

    @property
    def mirrored(self) -> Operator:
        """The operator that says the same with both sides exchanged."""
        return _MIRRORED.get(self, self)


_MIRRORED = {
    Operator.LESS: Operator.GREATER,
    Operator.AT_MOST: Operator.AT_LEAST,
    Operator.GREATER: Operator.LESS,
    Operator.AT_LEAST: Operator.AT_MOST,
}


@dataclass(frozen=True, slots=True)
class And:
    """All of the terms hold; without any, everything is wanted."""

    terms: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of the terms holds; without any, nothing is wanted."""

    terms: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: Predicate


@dataclass(frozen=True, slots=True)
class IsKind:
    """The resource is of one of these kinds; ``resource`` means every kind."""

    kinds: tuple[str, ...]
    position: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """A field compares with a value in this way.

    :ivar value: a literal as the grammar reads it; a value of the field's type once the predicate is bound to a kind.
    :ivar position: where the field stands in the text, in characters from 1.
    """

    field: str
    operator: Operator
    value: Any
    position: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class In:
    """A field has one of these values."""

    field: str
    values: tuple[Any, ...]
    position: int = dataclasses.field(default=0, compare=False)


Predicate = And | Or | Not | IsKind | Compare | In

ALL = And(())
NOTHING = Or(())


def conjunction(terms: Iterable[Predicate]) -> Predicate:
    """Join terms by ``and``, as simply as it can be said."""
    kept = [term for term in terms if term != ALL]
    if NOTHING in kept:
        return NOTHING
    return kept[0] if len(kept) == 1 else And(tuple(kept))


def disjunction(terms: Iterable[Predicate]) -> Predicate:
    """Join terms by ``or``, as simply as it can be said."""
    kept = [term for term in terms if term != NOTHING]
    if ALL in kept:
        return ALL
    return kept[0] if len(kept) == 1 else Or(tuple(kept))


def negation(term: Predicate) -> Predicate:
    """Deny a term, as simply as it can be said."""
    if term in (ALL, NOTHING):
        return ALL if term == NOTHING else NOTHING
    return term.term if isinstance(term, Not) else Not(term)


def matches(predicate: Predicate, resource: Resource) -> bool:
    """Tell whether a resource is wanted by a predicate that is bound to its kind."""
    match predicate:
        case And(terms):
            return all(matches(term, resource) for term in terms)
        case Or(terms):
            return any(matches(term, resource) for term in terms)
        case Not(term):
            return not matches(term, resource)
        case Compare(name, operator, value):
            return _compares(resource.get(name), operator, value)
        case In(name, values):
            return resource.get(name) in values
    raise TypeError("the predicate is not bound to a kind")


def _compares(found: Any, operator: Operator, value: Value) -> bool:
    if value is None or found is None:
        return found is value
    match operator:
        case Operator.EQUAL:
            return bool(found == value)
        case Operator.LESS:
            return bool(found < value)
        case Operator.AT_MOST:
            return bool(found <= value)
        case Operator.GREATER:
            return bool(found > value)
        case Operator.AT_LEAST:
            return bool(found >= value)
        case Operator.LIKE:
            return is_like(found, str(value))
    raise TypeError("the predicate is not bound to a kind")


def is_like(text: str, pattern: str) -> bool:
    """Tell whether a text fits a pattern, in which ``*`` stands for any characters, or none."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True
