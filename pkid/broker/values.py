"""Values of which several are made for each message: as cheap to make as can be, and never changed all the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

__all__ = ["value"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make a class a slotted dataclass that compares and hashes by its fields, and whose fields nobody sets.

    That is for the type checker to see to: a frozen dataclass sets each field by a call of a function.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
