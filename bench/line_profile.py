"""Where the time of the line door goes: function calls and processor time for each message and call, without sockets.

The daemon's own broker and door, between transports in memory; TLS is not in it. What clients send is ready before, and
what they are sent is thrown away, but for the numbers that a subscriber acknowledges and an exposer answers.

    .venv/bin/python bench/line_profile.py [--messages 6400] [--lines 30] [--only CASE] > bench/profiles/NAME.txt
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import cycle, repeat
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from bench.profiling import profile_cases
from pkid.audit import Strangers
from pkid.line.budget import Budget
from pkid.line.factory import LineFactory
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.service import BrokerService
from pkid.messaging.terms import Terms

BATCH = 64  # lines of a write
TOPIC = b"house/room/temperature"
PAYLOAD = b"x" * 100


class Steps(Clock):
    """A clock that stands still, and makes the calls of one turn."""

    def turn(self) -> None:
        """Make what is due."""
        self.advance(0)


class End:
    """A client: its connection, in memory.

    :param answer: what it says to the lines that it is sent.
    """

    def __init__(self, factory: LineFactory, answer: Callable[[bytes], bytes] = lambda lines: b"") -> None:
        self._answer = answer
        self._wire = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 1234))
        self._protocol = factory.buildProtocol(None)
        self._protocol.makeConnection(self._wire)
        self.hear()

    def say(self, lines: bytes) -> None:
        """Send lines."""
        self._protocol.dataReceived(lines)

    def hear(self) -> None:
        """Read what came, and answer."""
        heard = self._wire.value()
        self._wire.clear()
        said = self._answer(heard)
        if said:
            self._protocol.dataReceived(said)


class Hall:
    """A broker and its line door, and who is there."""

    def __init__(self) -> None:
        self.clock = Steps()
        service = BrokerService(
            Terms(), MemoryBrokerStore(), self._refuse, self.clock, Strangers(self.clock.seconds), wall=lambda: 1e9
        )
        self.factory = LineFactory(service, self.clock, Budget())
        self.ends: list[End] = []

    def enter(self, line: bytes, answer: Callable[[bytes], bytes] = lambda lines: b"") -> End:
        """Have somebody come and say something."""
        end = End(self.factory, answer)
        self.ends.append(end)
        end.say(line)
        self.turn()
        return end

    def turn(self) -> None:
        """Let the core, then everybody else, have a turn."""
        self.clock.turn()
        for end in self.ends:
            end.hear()

    def _refuse(self, *asked: Any) -> Any:
        raise NotImplementedError("nobody logs in here")


def messages(subscribers: int, batch: int, topics: int = 1) -> Callable[[int], None]:
    """Return what publishes so many messages, on so many topics in turn."""
    hall = Hall()
    names = [TOPIC + b"%d" % number for number in range(topics)]
    for _ in range(subscribers):
        hall.enter(b"".join(b"SUBSCRIBE %b\n" % name for name in names))
    publisher = hall.enter(b"START\n")
    lines = [b"PUBLISH %b :%b\n" % (names[number % topics], PAYLOAD) for number in range(max(batch, topics))]
    writes = cycle([b"".join(lines[start : start + batch]) for start in range(0, len(lines), batch)])
    return _saying(hall, publisher, writes, batch)


def acknowledged(batch: int) -> Callable[[int], None]:
    """Return what publishes so many messages that are acknowledged, at both ends."""
    hall = Hall()
    hall.enter(b"SUBSCRIBE %b\n" % TOPIC, lambda lines: b"".join(_acknowledge(lines)))
    publisher = hall.enter(b"PING\n")
    lines = [b"#%d PUBLISH %b +qos=1 :%b\n" % (number, TOPIC, PAYLOAD) for number in range(200_000)]
    lines.reverse()

    def work(number: int) -> None:
        for _ in range(number // batch):
            publisher.say(b"".join(lines.pop() for _ in range(batch)))
            hall.turn()
            hall.turn()

    return work


def _acknowledge(lines: bytes) -> list[bytes]:
    return [b"ACK %b\n" % number for number in re.findall(rb"\+number=(\d+)", lines)]


def calls(batch: int) -> Callable[[int], None]:
    """Return what makes so many calls."""
    hall = Hall()
    hall.enter(b"EXPOSE %b\n" % TOPIC, lambda lines: b"".join(_answer(lines)))
    caller = hall.enter(b"PING\n")
    line = b"".join(b"#%d CALL %b :%b\n" % (number, TOPIC, PAYLOAD) for number in range(batch))
    return _saying(hall, caller, repeat(line), batch)


def _answer(lines: bytes) -> list[bytes]:
    return [b"ANSWER %b :%b\n" % (number, PAYLOAD) for number in re.findall(rb"INVOKE (\d+)", lines)]


def _saying(hall: Hall, speaker: End, writes: Iterator[bytes], batch: int) -> Callable[[int], None]:
    def work(number: int) -> None:
        for _ in range(number // batch):
            speaker.say(next(writes))
            hall.turn()
            hall.turn()

    return work


CASES: dict[str, Callable[[], Callable[[int], None]]] = {
    "messages 1 -> 1, in batches": lambda: messages(1, BATCH),
    "messages 1 -> 1, one for each write": lambda: messages(1, 1),
    "messages 1 -> 1, in batches, on 16 topics": lambda: messages(1, BATCH, 16),
    "messages 1 -> 1, in batches, on 1000 topics": lambda: messages(1, BATCH, 1000),
    "messages 1 -> 1, in batches, on 10000 topics": lambda: messages(1, BATCH, 10_000),
    "messages 1 -> 10, in batches": lambda: messages(10, BATCH),
    "messages 1 -> 1 at least once, in batches": lambda: acknowledged(BATCH),
    "calls, 32 in flight": lambda: calls(32),
    "calls, one at a time": lambda: calls(1),
}


if __name__ == "__main__":
    profile_cases(CASES, __doc__)
