"""WAMP over RawSocket: frames of a type and three bytes of length, with CBOR in them.

With MessagePack, which would be one more dependency, Crossbar delivers about a sixth more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cbor2 import dumps, loads

from bench.suite.connection import Connection
from bench.suite.measurement import Skipped

__all__ = ["Wamp"]

_REALM, _USER, _SECRET = "bench", "bench", "a secret of the benchmark"
_ROLES: dict[str, dict[str, Any]] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}
_HELLO, _CHALLENGE, _AUTHENTICATE, _WELCOME = 1, 4, 5, 2
_PUBLISH, _SUBSCRIBE, _SUBSCRIBED, _EVENT = 16, 32, 33, 36
_CALL, _RESULT, _REGISTER, _REGISTERED, _INVOCATION, _YIELD = 48, 50, 64, 65, 68, 70
_SHAKE, _SHAKEN = b"\x7f\xf3\0\0", b"\x7f"  # frames of up to 16 MiB, CBOR
_FIRST_CALL = 1 << 17  # from here on a million numbers have the same size
_HEAD = 4  # bytes


class Wamp:
    """Sessions that log in with a ticket.

    :cvar user: the name they all have; *secret* is its ticket, *realm* where they are.
    """

    realm, user, secret = _REALM, _USER, _SECRET

    def __init__(self, port: int) -> None:
        self._port = port

    def connect(self, name: str) -> Connection:
        """Return a connection whose session is open."""
        stream = Connection(self._port)
        stream.send(_SHAKE)
        if stream.read_until(lambda data: len(data) >= _HEAD)[:1] != _SHAKEN:
            raise Skipped("it speaks no CBOR over RawSocket")
        _ask(stream, _CHALLENGE, _HELLO, _REALM, {"roles": _ROLES, "authmethods": ["ticket"], "authid": _USER})
        _ask(stream, _WELCOME, _AUTHENTICATE, _SECRET, {})
        return stream

    def subscribe(self, stream: Connection, topics: Sequence[str]) -> None:
        """Subscribe to topics."""
        for topic in topics:
            _ask(stream, _SUBSCRIBED, _SUBSCRIBE, 1, {}, _uri(topic))

    def publication(self, topic: str, payload: bytes) -> bytes:
        """Write a PUBLISH."""
        return _frame(_PUBLISH, 1, {}, _uri(topic), [payload.decode()])

    def delivery_size(self, data: bytes) -> int | None:
        """Return the size of an EVENT."""
        return _size_of(_EVENT, data)

    def expose(self, stream: Connection, topic: str) -> None:
        """Register a procedure."""
        _ask(stream, _REGISTERED, _REGISTER, 1, {}, _uri(topic))

    def begin_calls(self, stream: Connection) -> None:
        """Do nothing."""

    def call(self, topic: str, payload: bytes, number: int) -> bytes:
        """Write a CALL."""
        return _frame(_CALL, _FIRST_CALL + number, {}, _uri(topic), [payload.decode()])

    def answers(self, data: bytes) -> tuple[bytes, bytes]:
        """Write a YIELD for each INVOCATION."""
        answers, start = [], 0
        while (size := _size(data[start : start + _HEAD])) and start + size <= len(data):
            _, request, _, _, arguments = loads(data[start + _HEAD : start + size])
            answers.append(_frame(_YIELD, request, {}, arguments))
            start += size
        return b"".join(answers), data[start:]

    def result_size(self, data: bytes) -> int | None:
        """Return the size of a RESULT."""
        return _size_of(_RESULT, data)


def _uri(topic: str) -> str:
    return topic.replace("/", ".")


def _size_of(kind: int, data: bytes) -> int | None:
    """Return the size of the first message, which must be of this kind."""
    size = _size(data)
    if size is None or len(data) < size:
        return None
    message = loads(data[_HEAD:size])
    if message[0] != kind:
        raise Skipped(f"it answered {message!r:.200}")
    return size


def _size(data: bytes) -> int | None:
    return _HEAD + int.from_bytes(data[1:_HEAD], "big") if len(data) >= _HEAD else None


def _frame(*message: Any) -> bytes:
    body = dumps(message)
    return len(body).to_bytes(_HEAD, "big") + body


def _ask(stream: Connection, wanted: int, *message: Any) -> None:
    stream.send(_frame(*message))
    answer = loads(stream.read_until(lambda data: len(data) >= (_size(data) or _HEAD))[_HEAD:])
    if answer[0] != wanted:
        raise Skipped(f"it answered {answer!r:.200}")
