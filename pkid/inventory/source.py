"""Sources: what answers predicates for one kind; and the one that answers from memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from pkid.errors import Malformed, Reason
from pkid.inventory.kinds import Kind, Resource
from pkid.inventory.order import Order, SortKey, in_order, rank
from pkid.inventory.predicate import Predicate, matches

__all__ = ["MOST_GROUPS", "PAGE", "MemorySource", "Source", "too_many_groups"]

PAGE = 256
"""Resources that are read at a time."""

MOST_GROUPS = 10_000
"""Different values that are counted at most."""

_MOST_IN_MEMORY = 10_000


class Source(Protocol):
    """Answers predicates that are bound to its kind; resources are told by their stored fields.

    All methods raise :class:`pkid.errors.Unavailable` when there is no answer now.
    """

    @property
    def kind(self) -> Kind:
        """What it gives."""

    def page(self, predicate: Predicate, order: Order, after: Resource | None) -> Awaitable[Sequence[Resource]]:
        """Find the first :data:`PAGE` wanted resources behind *after*, the last one of the page before.

        :param order: of stored fields; it ends with the kind's identity.
        """

    def usual_order(self, predicate: Predicate) -> Order:
        """Return the order of stored fields in which the wanted resources are found most easily."""

    def count(self, predicate: Predicate) -> Awaitable[int]:
        """Count the wanted resources."""

    def tally(self, predicate: Predicate, field: str) -> Awaitable[Mapping[Any, int]]:
        """Count the wanted resources by a stored field's value.

        :raises Malformed: when there are more values than :data:`MOST_GROUPS`.
        """


class MemorySource:
    """A source of a few resources, which are asked for at each search.

    :param read: gives all of them; those behind the first ten thousand are left out.
    """

    def __init__(self, kind: Kind, read: Callable[[], Awaitable[Iterable[Resource]]]) -> None:
        self.kind = kind
        self._read = read

    async def page(self, predicate: Predicate, order: Order, after: Resource | None) -> Sequence[Resource]:
        """Find the next page."""
        found = in_order(await self._wanted(predicate), order)
        if after is not None:
            last = rank(after, order)
            found = [resource for resource in found if last < rank(resource, order)]
        return found[:PAGE]

    def usual_order(self, predicate: Predicate) -> Order:
        """Return the order of their identities."""
        return (SortKey(self.kind.identity),)

    async def count(self, predicate: Predicate) -> int:
        """Count them."""
        return len(await self._wanted(predicate))

    async def tally(self, predicate: Predicate, field: str) -> Mapping[Any, int]:
        """Count them by a field's value."""
        return Counter(resource.get(field) for resource in await self._wanted(predicate))

    async def _wanted(self, predicate: Predicate) -> list[Resource]:
        found = list(await self._read())[:_MOST_IN_MEMORY]
        return [resource for resource in found if matches(predicate, resource)]


def too_many_groups(field: str) -> Malformed:
    """Return the error that a field has too many values to count them."""
    return Malformed(Reason.COMMAND, f"{field} has more than {MOST_GROUPS} different values; narrow the search")
