"""Where the time of the Rembus door goes: function calls and processor time for each message and call, without sockets.

The daemon's own broker and door, between transports in memory. What clients send is ready before.

    .venv/bin/python bench/rembus_profile.py [--messages 6400] [--lines 30] [--only CASE] > bench/profiles/NAME.txt
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).parents[1])

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from bench.profiling import profile_cases
from bench.suite.rembus_client import frame, text
from pkid.audit import Strangers
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.service import BrokerService
from pkid.messaging.terms import Terms
from pkid.rembus.factory import Framing, RembusFactory

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TOPIC = text("house/room/temperature")
ARGUMENTS = b"\x81\x58\x64" + b"x" * 100
ID = b"\x48" + b"i" * 8
SUBSCRIBE = frame(b"\x84\x03" + ID + TOPIC + b"\xa1\x63cmd\x69subscribe")
EXPOSE = frame(b"\x84\x03" + ID + TOPIC + b"\xa1\x63cmd\x66expose")
REACTIVE = frame(b"\x84\x03" + ID + text("__config__") + b"\xa2\x63cmd\x68reactive\x66status\xf5")

Answer = Callable[[bytes], bytes]


class End:
    """A client: its connection, in memory.

    :param answer: what it says to what it is sent.
    """

    def __init__(self, factory: RembusFactory, answer: Answer) -> None:
        self._answer = answer
        self._wire = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 1234))
        self._protocol = factory.buildProtocol(None)
        self._protocol.makeConnection(self._wire)
        self.say(UPGRADE)

    def say(self, data: bytes) -> None:
        """Send bytes."""
        self._protocol.dataReceived(data)

    def hear(self) -> None:
        """Read what came, and answer."""
        heard = self._wire.value()
        self._wire.clear()
        said = self._answer(heard) if heard else b""
        if said:
            self.say(said)


class Hall:
    """A broker and its Rembus door, and who is there."""

    def __init__(self) -> None:
        self.clock = Clock()
        service = BrokerService(
            Terms(), MemoryBrokerStore(), self._refuse, self.clock, Strangers(self.clock.seconds), wall=lambda: 1e9
        )
        self.factory = RembusFactory(service, self.clock, "rembus-ws", Framing.WEBSOCKET)
        self.ends: list[End] = []

    def enter(self, *said: bytes, answer: Answer = lambda heard: b"") -> End:
        """Have somebody come and say something."""
        end = End(self.factory, lambda heard: b"")
        for each in said:
            end.say(each)
        self.clock.advance(0)
        end.hear()
        end._answer = answer
        self.ends.append(end)
        return end

    def turn(self) -> None:
        """Let the core, then everybody else, have a turn."""
        self.clock.advance(0)
        for end in self.ends:
            end.hear()

    def _refuse(self, *asked: Any) -> Any:
        raise NotImplementedError("nobody logs in here")


def messages(subscribers: int, batch: int) -> Callable[[int], None]:
    """Return what publishes so many messages."""
    hall = Hall()
    for _ in range(subscribers):
        hall.enter(SUBSCRIBE, REACTIVE)
    data = frame(b"\x83\x01" + TOPIC + ARGUMENTS) * batch
    return _working(hall, hall.enter(), lambda: data, batch, turns=1)


def acknowledged(batch: int) -> Callable[[int], None]:
    """Return what publishes so many messages that are acknowledged, at both ends."""
    hall = Hall()
    hall.enter(SUBSCRIBE, REACTIVE, answer=lambda heard: b"".join(_frames(rb"\x84\x11\x48(.{8})", heard, b"\x82\x05")))
    numbers = iter(range(1, 1 << 40))

    def data() -> bytes:
        ids = (next(numbers).to_bytes(8, "little") for _ in range(batch))
        return b"".join(frame(b"\x84\x11\x48" + id + TOPIC + ARGUMENTS) for id in ids)

    return _working(hall, hall.enter(), data, batch, turns=1)


def calls(batch: int) -> Callable[[int], None]:
    """Return what makes so many calls."""
    hall = Hall()
    answer = lambda heard: b"".join(_frames(rb"\x85\x02\x48(.{8})", heard, b"\x84\x04", b"\x00\x01"))  # noqa: E731
    hall.enter(EXPOSE, answer=answer)
    ids = [number.to_bytes(8, "little") for number in range(batch)]
    data = b"".join(frame(b"\x85\x02\x48" + id + TOPIC + b"\xf6" + ARGUMENTS) for id in ids)
    return _working(hall, hall.enter(), lambda: data, batch, turns=2)


def _frames(wanted: bytes, heard: bytes, begin: bytes, end: bytes = b"") -> list[bytes]:
    return [frame(begin + b"\x48" + id + end) for id in re.findall(wanted, heard, re.DOTALL)]


def _working(hall: Hall, speaker: End, data: Callable[[], bytes], batch: int, turns: int) -> Callable[[int], None]:
    def work(number: int) -> None:
        for _ in range(number // batch):
            speaker.say(data())
            for _ in range(turns):
                hall.turn()

    return work


CASES: dict[str, Callable[[], Callable[[int], None]]] = {
    "QoS 0, 1 to 1, 64 together": lambda: messages(1, 64),
    "QoS 0, 1 to 4, 64 together": lambda: messages(4, 64),
    "QoS 0, 1 to 1, one for each write": lambda: messages(1, 1),
    "QoS 1, 1 to 1, 64 in flight": lambda: acknowledged(64),
    "calls, 8 at a time": lambda: calls(8),
    "calls, one at a time": lambda: calls(1),
}


if __name__ == "__main__":
    profile_cases(CASES, __doc__)
