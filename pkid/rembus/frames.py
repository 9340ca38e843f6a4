"""Messages on a plain stream, as clients without WebSocket send them.

Each is preceded by its length, and that by a byte that says how long the length is.
"""

from __future__ import annotations

from pkid.errors import Malformed, Reason, Refused

__all__ = ["FrameReader", "frame"]

_LENGTH_SIZES = {0x81: 1, 0x8D: 2, 0x8F: 4}


class FrameReader:
    """Takes messages out of a stream.

    :ivar limit: how many bytes a message may have; a longer one is refused when its length is known.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that are complete now.

        :raises Malformed: ``bad-message`` when something else begins where a message should.
        :raises Refused: ``limit`` when a message is too long.
        """
        self._buffer += data
        messages, position = [], 0
        while (end := self._end(position)) is not None:
            begin = position + 1 + _LENGTH_SIZES[self._buffer[position]]
            messages.append(bytes(self._buffer[begin:end]))
            position = end
        del self._buffer[:position]
        return messages

    def _end(self, position: int) -> int | None:
        """Return where the message at a position ends, once all of it is there."""
        if position == len(self._buffer):
            return None
        size = _LENGTH_SIZES.get(self._buffer[position])
        if size is None:
            raise Malformed(Reason.BAD_MESSAGE, "it has no length")
        begin = position + 1 + size
        if begin > len(self._buffer):
            return None
        length = int.from_bytes(self._buffer[position + 1 : begin], "big")
        if length > self.limit:
            raise Refused(Reason.LIMIT, f"{self.limit} bytes for a message")
        return begin + length if begin + length <= len(self._buffer) else None


def frame(message: bytes) -> bytes:
    """Return a message in its frame."""
    for first, size in _LENGTH_SIZES.items():
        if len(message) < 1 << 8 * size:
            return bytes((first,)) + len(message).to_bytes(size, "big") + message
    raise ValueError("the message is too long for any frame")
