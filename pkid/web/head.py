"""The head of an answer: what every answer of the door says, and what one of them says besides."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus

from twisted.web.http import datetimeToString

__all__ = ["EVERY_ANSWER", "Header", "date", "response_head"]

EVERY_ANSWER = (("Server", "pkid"), ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
"""Headers that every answer has, beside its date."""

Header = tuple[str, str]
"""A name and its value, both ASCII, each on its line."""


def response_head(status: HTTPStatus, content_type: str, headers: Iterable[Header], length: int) -> bytes:
    """Return the head of an answer whose body has this length: from the space behind the version to the last header.

    :param length: bytes.
    :raises ValueError: when a header does not stay on its line, or is not ASCII.
    """
    more = [f"{name}: {value}\r\n" for name, value in headers]
    text = "".join(more)
    if len(text.splitlines()) != len(more):
        raise ValueError("a header of an answer does not stay on its line")
    # RFC 9110, 8.6: an answer that never has content does not tell its length either.
    size = b"" if status is HTTPStatus.NO_CONTENT else b"Content-Length: %d\r\n" % length
    return b"%b%bDate: %b\r\n%b" % (_beginning(status, content_type), size, date(), text.encode("ascii"))


def date() -> bytes:
    """Return what time it is, as in a ``Date`` header (RFC 9110, section 6.6.1)."""
    return _date(int(time.time()))


@lru_cache(1)
def _date(second: int) -> bytes:
    text: bytes = datetimeToString(second)
    return text


@lru_cache(64)
def _beginning(status: HTTPStatus, content_type: str) -> bytes:
    """Return what many answers have in common."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in (*EVERY_ANSWER, ("Content-Type", content_type)))
    return f" {status.value} {status.phrase}\r\n{headers}".encode("ascii")
