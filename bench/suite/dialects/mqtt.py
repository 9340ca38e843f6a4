"""MQTT 3.1.1: a type, a length of one to four bytes, and messages that are delivered at most once."""

from __future__ import annotations

from collections.abc import Sequence

from bench.suite.connection import Connection
from bench.suite.measurement import Skipped

__all__ = ["Mqtt"]

_CONNECT, _CONNACK, _PUBLISH, _SUBSCRIBE, _SUBACK = 0x10, 0x20, 0x30, 0x82, 0x90
_FLAGS = 0xC2  # a name, a password, and nothing left from before


class Mqtt:
    """Sessions that log in with a password.

    :cvar user: the name they all have; *password* is its password.
    """

    user, password = "bench", "a secret of the benchmark"

    def __init__(self, port: int) -> None:
        self._port = port

    def connect(self, name: str) -> Connection:
        """Return a connection that is accepted."""
        stream = Connection(self._port)
        words = (name, self.user, self.password)
        head = _text("MQTT") + bytes((4, _FLAGS, 0, 0))
        _ask(stream, _packet(_CONNECT, head + b"".join(map(_text, words))), bytes((_CONNACK, 2, 0, 0)))
        return stream

    def subscribe(self, stream: Connection, topics: Sequence[str]) -> None:
        """Subscribe to topics."""
        for topic in topics:
            _ask(stream, _packet(_SUBSCRIBE, b"\0\1" + _text(topic) + b"\0"), bytes((_SUBACK, 3, 0, 1, 0)))

    def publication(self, topic: str, payload: bytes) -> bytes:
        """Write a PUBLISH."""
        return _packet(_PUBLISH, _text(topic) + payload)

    def delivery_size(self, data: bytes) -> int | None:
        """Return the size of a PUBLISH."""
        length = 0
        for place, byte in enumerate(data[1:5]):
            length |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return 2 + place + length
        return None


def _text(words: str) -> bytes:
    return len(words).to_bytes(2, "big") + words.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, digits = len(body), bytearray()
    while length > 0x7F:
        digits.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes((kind, *digits, length)) + body


def _ask(stream: Connection, packet: bytes, wanted: bytes) -> None:
    stream.send(packet)
    answer = stream.read_until(lambda data: len(data) >= len(wanted))
    if answer != wanted:
        raise Skipped(f"it answered {answer!r}")
