"""Where records of TLS end in what comes over a connection.

Knows the five bytes before each record (RFC 8446, section 5.1; the same in all versions) and nothing of what they hold.
"""

from __future__ import annotations

__all__ = ["LONGEST_RECORD", "Records"]

LONGEST_RECORD = 1 << 14
"""Bytes of plain text in a record, at most."""

_HEADER = 5  # bytes: a type, a version, and how many bytes follow


class Records:
    """Counts the records that end in each piece of a stream."""

    __slots__ = ("_head", "_missing")

    def __init__(self) -> None:
        self._head = b""  # of a record's header, what came of it
        self._missing = 0  # bytes of the record that is under way

    def feed(self, data: bytes) -> int:
        """Take the next bytes, and return how many records end in them."""
        if self._head:
            data = self._head + data
        size, ends = len(data), self._missing
        ended = 1 if 0 < ends <= size else 0
        while ends + _HEADER <= size:
            ends += _HEADER + (data[ends + 3] << 8 | data[ends + 4])
            ended += ends <= size
        self._head = data[ends:]
        self._missing = max(0, ends - size)
        return ended
