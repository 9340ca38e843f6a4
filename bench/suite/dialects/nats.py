"""NATS: lines, and payloads by length; its first line comes before TLS."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from bench.suite.connection import Connection
from bench.suite.measurement import Skipped

__all__ = ["Nats"]

_MESSAGE = re.compile(rb"MSG \S+ \S+ (?:(\S+) )?(\d+)\r\n")
_INBOX = "_INBOX.bench"


class Nats:
    """Sessions that log in with a password.

    :cvar user: the name they all have; *password* is its password.
    """

    user, password = "bench", "a secret of the benchmark"

    def __init__(self, port: int) -> None:
        self._port = port

    def connect(self, name: str) -> Connection:
        """Return a connection that is accepted."""
        stream = Connection(self._port, before=lambda plain: plain.recv(4096))
        options = {"user": self.user, "pass": self.password, "name": name, "verbose": False, "pedantic": False}
        _ask(stream, f"CONNECT {json.dumps(options)}\r\n")
        return stream

    def subscribe(self, stream: Connection, topics: Sequence[str]) -> None:
        """Subscribe to topics."""
        for topic in topics:
            _ask(stream, f"SUB {_subject(topic)} 1\r\n")

    def publication(self, topic: str, payload: bytes) -> bytes:
        """Write a PUB."""
        return b"PUB %b %d\r\n%b\r\n" % (_subject(topic).encode(), len(payload), payload)

    def delivery_size(self, data: bytes) -> int | None:
        """Return the size of a MSG."""
        found = _MESSAGE.match(data)
        return found.end() + int(found[2]) + 2 if found else None

    def expose(self, stream: Connection, topic: str) -> None:
        """Subscribe to a topic: what is published there with an inbox is a call."""
        self.subscribe(stream, [topic])

    result_size = delivery_size

    def begin_calls(self, stream: Connection) -> None:
        """Subscribe to what the results come by."""
        _ask(stream, f"SUB {_INBOX}.* 2\r\n")

    def call(self, topic: str, payload: bytes, number: int) -> bytes:
        """Write a PUB with an inbox for its result."""
        head = f"PUB {_subject(topic)} {_INBOX}.{number:06} {len(payload)}\r\n"
        return head.encode() + payload + b"\r\n"

    def answers(self, data: bytes) -> tuple[bytes, bytes]:
        """Write a PUB to each MSG's inbox."""
        answers, start = [], 0
        while found := _MESSAGE.match(data, start):
            end = found.end() + int(found[2]) + 2
            if end > len(data):
                break
            answers.append(b"PUB %b %b\r\n%b" % (found[1], found[2], data[found.end() : end]))
            start = end
        return b"".join(answers), data[start:]


def _subject(topic: str) -> str:
    return topic.replace("/", ".")


def _ask(stream: Connection, said: str) -> None:
    """Say it, and wait until the server has done it."""
    stream.send(f"{said}PING\r\n".encode())
    answer = b""
    while not answer.endswith(b"PONG\r\n"):
        answer += stream.read_some()
        if b"-ERR" in answer:
            raise Skipped(f"it answered {answer!r:.200}")
