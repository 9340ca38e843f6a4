"""One hostile request, and what the core must make of it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

__all__ = ["Attempt", "head", "post"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is sent on a connection of its own, and what must come back.

    :ivar about: what is odd about it.
    :ivar sent: all bytes.
    :ivar status: of the last answer.
    :ivar code: the stable code in the answer's first line; nothing for answers without one.
    :ivar context: with which to connect, if not as everybody does.
    """

    about: str
    sent: bytes
    status: int
    code: str = ""
    context: ssl.SSLContext | None = None


def head(method: str, target: str | bytes, *headers: bytes) -> bytes:
    """Write the head of a request; a header is a whole line."""
    path = target if isinstance(target, bytes) else target.encode()
    return b"\r\n".join([b"%b %b HTTP/1.1" % (method.encode(), path), b"Host: core", *headers, b"", b""])


def post(path: str, body: bytes, *headers: bytes) -> bytes:
    """Write a request with a body."""
    return head("POST", path, *headers, b"Content-Length: %d" % len(body)) + body
