"""The order of resources: by which fields, up or down.

Absent values come first in ascending order, and last in descending order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Rank", "SortKey", "backwards", "rank"]


@dataclass(frozen=True, slots=True)
class SortKey:
    """One field to sort by.

    :ivar position: where the field stands in the text, in characters from 1.
    """

    field: str
    descending: bool = False
    position: int = dataclasses.field(default=1, compare=False)

    @property
    def reversed(self) -> SortKey:
        """The same field the other way round."""
        return SortKey(self.field, not self.descending, self.position)


Order = tuple[SortKey, ...]
"""The fields to sort by, the weightiest first; none leave the order to the source."""


def backwards(order: Order) -> Order:
    """Return the opposite order."""
    return tuple(key.reversed for key in order)


@dataclass(frozen=True, slots=True)
class Rank:
    """Where a resource stands in an order: the smaller comes first."""

    values: tuple[Any, ...]
    order: Order

    def __lt__(self, other: Rank) -> bool:
        for mine, theirs, key in zip(self.values, other.values, self.order, strict=True):
            if mine != theirs:
                return _is_before(theirs, mine) if key.descending else _is_before(mine, theirs)
        return False


def rank(resource: Mapping[str, Any], order: Order) -> Rank:
    """Return where a resource stands."""
    return Rank(tuple(resource.get(key.field) for key in order), order)


def in_order(resources: Sequence[Any], order: Order) -> list[Any]:
    """Sort resources."""
    return sorted(resources, key=lambda resource: rank(resource, order))


def _is_before(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return other is not None
    try:
        return bool(one < other)
    except TypeError:  # values of different types, in fields that only share a name
        return type(one).__name__ < type(other).__name__
