"""Multipart bodies (RFC 2046, 5.1): the ones that the shells send, and the ones that they read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pkid.errors import Malformed, Reason

__all__ = ["BOUNDARY_TYPE", "END", "part_head", "read_parts"]

_BOUNDARY = "cli-part"

END = f"--{_BOUNDARY}--\r\n".encode("ascii")
"""What stands behind the last part."""

BOUNDARY_TYPE = f"multipart/mixed;boundary={_BOUNDARY}"
"""The content type, as the seeds have it: no space, no quotes.

The boundary is a fixed one, which stands in no PEM file and behind no line end (CR LF) of what commands give.
"""

_MOST_PARTS = 64
_BOUNDARY_PARAMETER = re.compile(r';[ \t]*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70})(?=[\s;]|$))', re.IGNORECASE)
"""Finds the boundary (RFC 2046, 5.1.1) in one pass, without the extended forms of RFC 2231, which nobody sends."""
_LONGEST_HEAD = 4096  # bytes
_PADDING = re.compile(rb"[ \t]*\r\n")


def part_head(headers: Mapping[str, str]) -> bytes:
    """Write what stands before a part's content; a line end (CR LF) stands behind it."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"--{_BOUNDARY}\r\n{head}\r\n".encode("ascii")


def read_parts(body: bytes, content_type: str) -> list[bytes]:
    """Read the contents of all parts.

    :raises Malformed: when the body has not the form that its type says, or too many parts.
    """
    boundary = _boundary(content_type).encode("utf-8", "replace")
    _, *pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, _MOST_PARTS + 1)
    contents: list[bytes] = []
    for piece in pieces:
        if piece.startswith(b"--"):
            return contents
        if len(contents) == _MOST_PARTS:
            raise Malformed(Reason.COMMAND, f"the body has more than {_MOST_PARTS} parts")
        contents.append(_content(piece))
    raise Malformed(Reason.COMMAND, "the body does not end with its boundary")


def _boundary(content_type: str) -> str:
    found = _BOUNDARY_PARAMETER.search(content_type)
    if found is None:
        raise Malformed(Reason.COMMAND, "a multipart body needs a boundary of 1 to 70 characters")
    return found[1] or found[2]


def _content(piece: bytes) -> bytes:
    start = _PADDING.match(piece)
    end = piece.find(b"\r\n\r\n", start.end() - 2, _LONGEST_HEAD) if start is not None else -1
    if end < 0:
        raise Malformed(Reason.COMMAND, "a part of the body has no head, or a long one")
    return piece[end + 4 :]
