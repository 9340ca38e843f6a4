"""Results: what a command hands to the next, page by page, so that nothing has to hold all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pkid.errors import Malformed, Reason
from pkid.inventory.order import Order, in_order
from pkid.inventory.source import MOST_GROUPS, PAGE, too_many_groups

__all__ = ["MOST_HELD", "Counted", "Item", "Mapped", "Pages", "Results", "Selection", "gather"]

Item = str | Mapping[str, Any]
"""One thing that a command gives: a line, or named values."""

MOST_HELD = 10_000
"""Items that are held in memory at most, where something needs them all."""


class Pages(Protocol):
    """Items in their order; each iteration may read them anew."""

    def pages(self) -> AsyncIterator[Sequence[Item]]:
        """Give the items, page by page; no page is empty."""


class Results(Pages, Protocol):
    """Items that can also be counted, cut and sorted before they are read."""

    async def count(self) -> int:
        """Count the items."""

    async def tally(self, field: str) -> tuple[Mapping[Any, int], int]:
        """Count the items by a field's value; and those without one."""

    def head(self, number: int) -> Results:
        """Return the first ones."""

    async def tail(self, number: int) -> Results:
        """Return the last ones."""

    async def sort(self, order: Order) -> Results:
        """Return the items in another order."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Results that are held in memory."""

    items: tuple[Item, ...] = ()

    async def pages(self) -> AsyncIterator[Sequence[Item]]:
        """Give the items."""
        for start in range(0, len(self.items), PAGE):
            yield self.items[start : start + PAGE]

    async def count(self) -> int:
        """Count the items."""
        return len(self.items)

    async def tally(self, field: str) -> tuple[Mapping[Any, int], int]:
        """Count the items by a field's value; lines have none."""
        values = [item.get(field) if isinstance(item, Mapping) else None for item in self.items]
        found = Counter(value for value in values if value is not None)
        if len(found) > MOST_GROUPS:
            raise too_many_groups(field)
        return found, values.count(None)

    def head(self, number: int) -> Results:
        """Return the first ones."""
        return Selection(self.items[:number])

    async def tail(self, number: int) -> Results:
        """Return the last ones."""
        return Selection(self.items[max(len(self.items) - number, 0) :])

    async def sort(self, order: Order) -> Results:
        """Return the items in another order.

        :raises Malformed: when some are lines, which have no fields.
        """
        if any(isinstance(item, str) for item in self.items):
            raise _no_fields("sort")
        return Selection(tuple(in_order(self.items, order)))


@dataclass(frozen=True, slots=True)
class Mapped:
    """Results whose items are written as lines; counting and cutting still reach what they are made of."""

    results: Results
    write: Callable[[Item], str]

    async def pages(self) -> AsyncIterator[Sequence[Item]]:
        """Give the lines."""
        async for page in self.results.pages():
            yield [self.write(item) for item in page]

    async def count(self) -> int:
        """Count the lines."""
        return await self.results.count()

    async def tally(self, field: str) -> tuple[Mapping[Any, int], int]:
        """Refuse it: lines have no fields."""
        raise _no_fields("count by a field")

    def head(self, number: int) -> Results:
        """Return the first ones."""
        return Mapped(self.results.head(number), self.write)

    async def tail(self, number: int) -> Results:
        """Return the last ones."""
        return Mapped(await self.results.tail(number), self.write)

    async def sort(self, order: Order) -> Results:
        """Refuse it: lines have no fields."""
        raise _no_fields("sort")


@dataclass(slots=True)
class Counted:
    """Results that count how many items were read.

    :ivar number: of items, so far.
    """

    results: Results
    number: int = 0

    async def pages(self) -> AsyncIterator[Sequence[Item]]:
        """Give the items."""
        async for page in self.results.pages():
            self.number += len(page)
            yield page


async def gather(results: Results) -> tuple[Item, ...]:
    """Return all items, for what needs them all.

    :raises Malformed: when there are more than :data:`MOST_HELD`.
    """
    held: list[Item] = []
    async for page in results.pages():
        held += page
        if len(held) > MOST_HELD:
            raise Malformed(Reason.COMMAND, f"that needs more than {MOST_HELD} items at once; narrow the search")
    return tuple(held)


def _no_fields(what: str) -> Malformed:
    return Malformed(Reason.COMMAND, f"there are only lines to {what}; put it before list or format")
