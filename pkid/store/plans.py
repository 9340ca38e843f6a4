"""Plans: by which index a search goes.

Two kinds of index may lead to a page: one finds what is wanted, which is then sorted; another has the order, and what
is not wanted is left out on the way. Which is better depends on how many there are, and only the ledger knows that: the
database guesses alike for a name that few have and for a profile that nearly all have.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, and_, func, select

from pkid.inventory.binding import fields_of
from pkid.inventory.predicate import And, Compare, In, Operator, Predicate
from pkid.store.conditions import Unindexed, condition, name_ends
from pkid.store.schema import certificates

__all__ = ["planned", "usual_field"]

_ORDERED = ("name", "not_after", "issued_at", "credential", "profile")
_INDEXED = ("serial", "sha256", "renews", *_ORDERED)
"""The fields with an index, those first that mostly tell most."""

_APART = 16  # terms that are hidden by themselves; of thousands, the database would refuse as many
_FEW = 10_000  # certificates, which are sorted in no time


def planned(connection: Connection, predicate: Predicate, lead: str = "") -> ColumnElement[bool]:
    """Return the condition for a predicate, in which only what one index is to find is seen by the database's planner.

    :param lead: the first field of the order, whose index is taken when no other finds few; none for a count.
    """
    found, ending = _looked_up(predicate), _ending(predicate)
    if set(found) <= {lead} and not ending:
        return condition(predicate)
    few = (name for name in _INDEXED if name in found and _is_few(connection, condition(And(tuple(found[name])))))
    chosen = next(few, "")
    if not chosen and ending and _is_few(connection, name_ends(ending)):
        return and_(name_ends(ending), *_hidden(_terms(predicate)))
    chosen = chosen or lead or next((name for name in _INDEXED if name in found), "")
    shown = found.get(chosen, [])
    hidden = tuple(term for term in _terms(predicate) if term not in shown)
    return and_(condition(And(tuple(shown))), *_hidden(hidden))


def _hidden(terms: tuple[Predicate, ...]) -> Iterator[ColumnElement[bool]]:
    """Hide terms from the planner, each by itself: what an index can answer of them is then asked before the row."""
    for term in terms[:_APART]:
        yield Unindexed(condition(term))
    if terms[_APART:]:
        yield Unindexed(condition(And(terms[_APART:])))


def usual_field(predicate: Predicate) -> str:
    """Return the field by whose index a page is found best, or whose index holds what has to be looked at."""
    found, named = _looked_up(predicate), {field for field, _ in fields_of(predicate)}
    candidates = [name for asked in (found, named) for name in _ORDERED if name in asked]
    return candidates[0] if candidates else "issued_at"


def _terms(predicate: Predicate) -> tuple[Predicate, ...]:
    return predicate.terms if isinstance(predicate, And) else (predicate,)


def _looked_up(predicate: Predicate) -> dict[str, list[Predicate]]:
    """Return the terms that an index answers without looking at much else, by their fields."""
    found: dict[str, list[Predicate]] = {}
    for term in _terms(predicate):
        if (isinstance(term, In) or (isinstance(term, Compare) and _is_range(term))) and term.field in _INDEXED:
            found.setdefault(term.field, []).append(term)
    return found


def _is_range(term: Compare) -> bool:
    return term.operator is not Operator.LIKE or not str(term.value).startswith("*")


def _ending(predicate: Predicate) -> str:
    """Return how the name must end; empty when that may be anyhow."""
    patterns = (
        str(term.value)
        for term in _terms(predicate)
        if isinstance(term, Compare) and term.field == "name" and term.operator is Operator.LIKE
    )
    return max((pattern.rpartition("*")[2] for pattern in patterns), key=len, default="")


def _is_few(connection: Connection, wanted: ColumnElement[bool]) -> bool:
    some = select(certificates.c.serial).where(wanted).limit(_FEW + 1).subquery()
    return bool(connection.execute(select(func.count()).select_from(some)).scalar_one() <= _FEW)
