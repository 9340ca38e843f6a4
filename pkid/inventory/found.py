"""The results of a search: they are read when they are asked for, and no faster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pkid.errors import Malformed, Reason
from pkid.inventory.binding import bind_order, complete
from pkid.inventory.kinds import KIND, Derivation, Field, Kind, Resource, Type, field_names
from pkid.inventory.order import Order, backwards, rank
from pkid.inventory.predicate import NOTHING, Compare, Operator, Predicate, conjunction
from pkid.inventory.results import MOST_HELD, Item, Results, Selection, gather
from pkid.inventory.source import MOST_GROUPS, PAGE, Source, too_many_groups

__all__ = ["Found", "Part", "check_field"]


@dataclass(frozen=True, slots=True)
class Part:
    """What one source has to answer: a predicate that is bound to its kind."""

    source: Source
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Found:
    """Resources of all parts together.

    :ivar order: none gives the resources of one part after those of another, as their sources like it.
    :ivar now: the time of the search, from which derived fields follow.
    """

    parts: tuple[Part, ...]
    now: datetime
    order: Order = ()
    skip: int = 0
    limit: int | None = None

    async def pages(self) -> AsyncIterator[Sequence[Item]]:
        """Give the resources, page by page."""
        skip, left = self.skip, self.limit
        async for page in _merged(self.parts, self.order, self.now):
            kept = page[skip:] if left is None else page[skip : skip + left]
            skip = max(skip - len(page), 0)
            if kept:
                yield kept
            if left is not None:
                left -= len(kept)
                if not left:
                    return

    async def count(self) -> int:
        """Count the resources."""
        total = 0
        for part in self.parts:
            total += await part.source.count(part.predicate)
        left = max(total - self.skip, 0)
        return left if self.limit is None else min(left, self.limit)

    async def tally(self, field: str) -> tuple[Mapping[Any, int], int]:
        """Count the resources by a field's value; and those without one.

        :raises Malformed: when it has too many values, or none of the kinds has the field.
        """
        if self.skip or self.limit is not None:
            return await Selection(await gather(self)).tally(field)
        check_field(field, 0, [part.source.kind for part in self.parts])
        totals: dict[Any, int] = {}
        for part in self.parts:
            for value, number in (await _tally(part, field, self.now)).items():
                totals[value] = totals.get(value, 0) + number
        if len(totals) > MOST_GROUPS:
            raise too_many_groups(field)
        absent = totals.pop(None, 0)
        return totals, absent

    def head(self, number: int) -> Results:
        """Return the first ones."""
        return replace(self, limit=number if self.limit is None else min(number, self.limit))

    async def tail(self, number: int) -> Results:
        """Return the last ones: read from the end, and turned round.

        :raises Malformed: for more of them than are held in memory.
        """
        if number > MOST_HELD:
            raise Malformed(Reason.COMMAND, f"tail gives {MOST_HELD} at most; sort the other way round, and use head")
        if self.skip or self.limit is not None:
            return await Selection(await gather(self)).tail(number)
        if not self.order:
            return await self._tail_of_parts(number)
        last = await gather(replace(self, order=backwards(self.order), limit=number))
        return Selection(last[::-1])

    async def sort(self, order: Order) -> Results:
        """Return the resources in another order.

        :raises Malformed: when none of the kinds has a field, or only a part of a large search is wanted.
        """
        for key in order:
            check_field(key.field, key.position, [part.source.kind for part in self.parts])
        if self.skip or self.limit is not None:
            return await Selection(await gather(self)).sort(order)
        return replace(self, order=order)

    async def _tail_of_parts(self, number: int) -> Results:
        held: list[Item] = []
        for part in reversed(self.parts):
            order = backwards(part.source.usual_order(part.predicate))
            held += await gather(replace(self, parts=(part,), order=order, limit=number - len(held)))
            if len(held) == number:
                break
        return Selection(tuple(held[::-1]))


def check_field(name: str, position: int, kinds: Sequence[Kind]) -> None:
    """Check that one of the kinds has a field.

    :raises Malformed: when none has it, with the fields that there are.
    """
    if not kinds or any(kind.field(name) for kind in kinds):
        return
    known = field_names(kinds)
    where = f" at character {position}" if position else ""
    raise Malformed(Reason.COMMAND, f"there is no field {name[:64]!r}{where}; there are {', '.join(known)}")


async def _tally(part: Part, name: str, now: datetime) -> Mapping[Any, int]:
    kind, predicate = part.source.kind, part.predicate
    field = kind.field(name)
    if field is None or field is KIND:
        return {None if field is None else kind.name: await part.source.count(predicate)}
    if field.derivation is None:
        return await part.source.tally(predicate, name)
    if field.type is not Type.BOOLEAN:
        raise Malformed(Reason.COMMAND, f"{name} is different for each; count by another field")
    return await _tally_past(part, field, now)


async def _tally_past(part: Part, field: Field, now: datetime) -> Mapping[Any, int]:
    assert field.derivation is Derivation.PAST
    questions = {
        True: Compare(field.origin, Operator.LESS, now),
        False: Compare(field.origin, Operator.AT_LEAST, now),
        None: Compare(field.origin, Operator.EQUAL, None),
    }
    counts = {
        value: await part.source.count(conjunction([part.predicate, question])) for value, question in questions.items()
    }
    return {value: number for value, number in counts.items() if number}


async def _merged(parts: Sequence[Part], order: Order, now: datetime) -> AsyncIterator[Sequence[Resource]]:
    """Give the resources of all parts in one order, page by page."""
    readers = [_Reader(part, order, now) for part in parts if part.predicate != NOTHING]
    if not order or len(readers) == 1:
        for reader in readers:
            while page := await reader.page():
                yield page
        return
    merged: list[Resource] = []
    while waiting := [reader for reader in readers if await reader.first() is not None]:
        foremost = min(waiting, key=lambda reader: rank(reader.buffer[-1], order))
        merged.append(foremost.buffer.pop())
        if len(merged) == PAGE:
            yield merged
            merged = []
    if merged:
        yield merged


class _Reader:
    """Reads one part, one page ahead at most."""

    def __init__(self, part: Part, order: Order, now: datetime) -> None:
        self._part = part
        self._order = bind_order(order or part.source.usual_order(part.predicate), part.source.kind)
        self._now = now
        self._last: Resource | None = None
        self._ended = False
        self.buffer: list[Resource] = []

    async def page(self) -> list[Resource]:
        """Return the next page, empty at the end."""
        if self._ended:
            return []
        found = await self._part.source.page(self._part.predicate, self._order, self._last)
        self._ended = len(found) < PAGE
        if found:
            self._last = found[-1]
        return [complete(resource, self._part.source.kind, self._now) for resource in found]

    async def first(self) -> Resource | None:
        """Return the resource that comes next, or ``None`` at the end."""
        if not self.buffer:
            self.buffer = (await self.page())[::-1]
        return self.buffer[-1] if self.buffer else None
