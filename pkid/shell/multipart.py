"""Multipart answers (RFC 2046, 5.1) as they come: one part after the other, and none of them is gathered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from pkid.answers import BadAnswer

__all__ = ["Part", "boundary_of", "read_parts"]

_BOUNDARY = re.compile(r';[ \t]*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70})(?=[\s;]|$))', re.IGNORECASE)
_LONGEST_HEAD = 8192  # bytes
_PARSER = BytesHeaderParser()


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its headers, and its content in pieces, to be read before the next part is."""

    headers: Message[str, str]
    pieces: Iterator[bytes]


def boundary_of(content_type: str) -> bytes:
    """Return what stands between the parts.

    :raises BadAnswer: when the type does not tell.
    """
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise BadAnswer("the core's answer has several parts and does not tell where they end")
    return (found[1] or found[2]).encode("utf-8", "replace")


def read_parts(read: Callable[[], bytes], boundary: bytes) -> Iterator[Part]:
    """Read the parts of a body; what is not taken of one is passed over.

    :param read: returns the next piece of the body, and nothing at its end.
    :raises BadAnswer: when the body ends too early, or a part has no head.
    """
    body = _Body(read, b"\r\n--" + boundary)
    for _ in body.content():  # before the first part there is nothing of interest
        pass
    while not body.is_over():
        part = Part(_PARSER.parsebytes(body.head()), body.content())
        yield part
        for _ in part.pieces:
            pass


class _Body:
    def __init__(self, read: Callable[[], bytes], delimiter: bytes) -> None:
        self._read = read
        self._delimiter = delimiter
        self._buffer = b"\r\n"  # the first delimiter may stand at the start

    def content(self) -> Iterator[bytes]:
        """Yield what stands before the next delimiter, and pass over that."""
        while (end := self._buffer.find(self._delimiter)) < 0:
            certain = max(len(self._buffer) - len(self._delimiter) + 1, 0)
            piece, self._buffer = self._buffer[:certain], self._buffer[certain:]
            if piece:
                yield piece
            self._more()
        piece, self._buffer = self._buffer[:end], self._buffer[end + len(self._delimiter) :]
        if piece:
            yield piece

    def is_over(self) -> bool:
        """Tell whether the delimiter that was just passed was the last one."""
        while len(self._buffer) < 2:
            self._more()
        return self._buffer.startswith(b"--")

    def head(self) -> bytes:
        """Take the headers of a part: behind the delimiter, up to an empty line."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _LONGEST_HEAD:
                break
            self._more()
        if not 0 <= end <= _LONGEST_HEAD:
            raise BadAnswer("a part of the core's answer has no head, or a long one")
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        return head.partition(b"\r\n")[2] + b"\r\n\r\n"

    def _more(self) -> None:
        piece = self._read()
        if not piece:
            raise BadAnswer("the core's answer ends in the middle of a part")
        self._buffer += piece
