"""Searches of the ledger in SQL: predicates become conditions with bound values, and pages continue by their keys.

Each page is a short transaction of its own, so that a slow reader keeps nothing open and no page costs more than the
first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, func, select
from twisted.internet.defer import Deferred

from pkid.inventory.kinds import CERTIFICATE, Kind, Resource
from pkid.inventory.order import Order, SortKey
from pkid.inventory.predicate import Predicate
from pkid.inventory.source import MOST_GROUPS, PAGE, too_many_groups
from pkid.store.conditions import COLUMNS, behind, direction
from pkid.store.plans import planned, usual_field
from pkid.store.schema import certificates

__all__ = ["CertificateSource", "Read"]

T = TypeVar("T")


class Read(Protocol):
    """Does work on a connection that only reads."""

    def __call__(self, work: Callable[[Connection], T], /) -> Deferred[T]:
        """Fire with what *work* returns; fail with :class:`~pkid.errors.Unavailable` when it takes too long."""


class CertificateSource:
    """A :class:`~pkid.inventory.source.Source` of the certificates in the ledger.

    :param read: does one transaction.
    """

    kind: Kind = CERTIFICATE

    def __init__(self, read: Read) -> None:
        self._read = read

    def page(self, predicate: Predicate, order: Order, after: Resource | None) -> Deferred[Sequence[Resource]]:
        """Find the next page."""
        query = select(*COLUMNS.values()).order_by(*(direction(key) for key in order)).limit(PAGE)
        if after is not None:
            query = query.where(behind(order, after))

        def work(connection: Connection) -> list[Resource]:
            wanted = planned(connection, predicate, order[0].field)
            return [_resource(row) for row in connection.execute(query.where(wanted))]

        return self._read(work)

    def usual_order(self, predicate: Predicate) -> Order:
        """Return the order of an index that finds few others, or that holds what has to be looked at, or of issuing."""
        return (SortKey(usual_field(predicate)),)

    def count(self, predicate: Predicate) -> Deferred[int]:
        """Count the wanted certificates."""
        query = select(func.count()).select_from(certificates)
        return self._read(
            lambda connection: connection.execute(query.where(planned(connection, predicate))).scalar_one()
        )

    def tally(self, predicate: Predicate, field: str) -> Deferred[Mapping[Any, int]]:
        """Count the wanted certificates by a field's value."""
        column = COLUMNS[field]
        query = select(column, func.count()).group_by(column).limit(MOST_GROUPS + 1)

        def work(connection: Connection) -> Mapping[Any, int]:
            rows = connection.execute(query.where(planned(connection, predicate)))
            found = {_value(field, value): number for value, number in rows}
            if len(found) > MOST_GROUPS:
                raise too_many_groups(field)
            return found

        return self._read(work)


def _resource(row: Sequence[Any]) -> Resource:
    return {name: _value(name, value) for name, value in zip(COLUMNS, row, strict=True)}


def _value(name: str, stored: Any) -> Any:
    return stored.hex(":").upper() if name == "sha256" else stored
