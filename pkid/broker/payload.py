"""What is published, called and answered, as bytes with a kind, so that clients of different doors understand it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from enum import Enum

from pkid.broker.values import value

__all__ = ["Payload", "PayloadKind", "Payloads"]


class PayloadKind(Enum):
    """How the bytes of a payload are to be read."""

    BYTES = "bytes"
    TEXT = "text"
    """UTF-8."""
    JSON = "json"
    """RFC 8259, in UTF-8."""
    CBOR = "cbor"
    """RFC 8949, one item."""


@value
class Payload:
    """One payload, as its sender gave it; a door translates it for clients that cannot read its kind."""

    kind: PayloadKind
    data: bytes = field(repr=False)
    is_checked: bool = field(default=False, compare=False, repr=False)
    """Whether the door that it came by found that it is what its kind says; else nobody knows."""


@value
class Payloads:
    """Payloads of one kind, in the order in which their sender gave them."""

    kind: PayloadKind
    data: tuple[bytes, ...] = field(repr=False)
    are_printable: bool = False
    """Whether all are UTF-8 that can be printed, for sure."""
    are_checked: bool = field(default=False, compare=False, repr=False)
    """Whether each is what its kind says, for sure."""

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Payload]:
        return (Payload(self.kind, data, self.are_checked) for data in self.data)
