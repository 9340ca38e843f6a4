"""The line protocol: lines, and long payloads by length."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.suite.connection import Connection
from bench.suite.measurement import Skipped
from bench.wire import Address, Wire
from pkid.auth.own_credential import OwnCredential

__all__ = ["LineDialect"]

_LONGEST_TEXT = 4096  # bytes of payload; what is longer goes by length
_LINES = 256  # that are sent before the answers are read
_BODY = re.compile(rb" \+(\d+)(?: |$)")


class LineDialect:
    """Sessions that prove their names.

    :param authority: the file with the CA certificate; none for a door whose certificate is not checked.
    :param host: where it is.
    :param own: what each proves its name with; nothing for a door that knows no names.
    """

    def __init__(self, port: int, authority: str | None, own: OwnCredential | None, host: str = "localhost") -> None:
        self._address = Address(host, port, authority)
        self._own = own

    def connect(self, name: str) -> Wire:
        """Return a connection whose name is proven."""
        wire = Wire(self._address)
        if self._own is not None:
            wire.log_in(name, self._own)
        return wire

    def subscribe(self, stream: Connection, topics: Sequence[str]) -> None:
        """Subscribe to topics."""
        for start in range(0, len(topics), _LINES):
            _ask(stream, *(f"SUBSCRIBE {topic}" for topic in topics[start : start + _LINES]))

    def publication(self, topic: str, payload: bytes) -> bytes:
        """Write a PUBLISH."""
        return b"PUBLISH %b %b\n" % (topic.encode(), _body(payload))

    def delivery_size(self, data: bytes) -> int | None:
        """Return the size of a MESSAGE."""
        return _size(data, b"MESSAGE ")

    def expose(self, stream: Connection, topic: str) -> None:
        """Expose a topic."""
        _ask(stream, f"EXPOSE {topic}")

    def begin_calls(self, stream: Connection) -> None:
        """Do nothing."""

    def call(self, topic: str, payload: bytes, number: int) -> bytes:
        """Write a CALL."""
        return b"#%06d CALL %b :%b\n" % (number, topic.encode(), payload)

    def answers(self, data: bytes) -> tuple[bytes, bytes]:
        """Write an ANSWER for each INVOKE."""
        *lines, rest = data.split(b"\n")
        answers = []
        for line in lines:
            head, _, payload = line.partition(b" :")
            answers.append(b"ANSWER %b :%b\n" % (head.split(b" ", 2)[1], payload))
        return b"".join(answers), rest

    def result_size(self, data: bytes) -> int | None:
        """Return the size of an OK."""
        return _size(data, b" OK")


def _size(data: bytes, word: bytes) -> int | None:
    line, end, _ = data.partition(b"\n")
    if end and word not in line:
        raise Skipped(f"it answered {line!r:.200}")
    length = _BODY.search(line)
    return len(line) + 1 + (int(length[1]) + 1 if length else 0) if end else None


def _body(payload: bytes) -> bytes:
    return b":%b" % payload if len(payload) <= _LONGEST_TEXT else b"+%d\n%b" % (len(payload), payload)


def _ask(stream: Connection, *lines: str) -> None:
    stream.send("".join(f"#1 {line}\n" for line in lines).encode())
    answer = stream.read_until(lambda data: data.count(b"\n") >= len(lines))
    if answer.count(b"#1 OK") != len(lines):
        raise Skipped(f"it answered {answer!r:.200}")
