"""A minute of hostile peers on a clock that a test turns: each ends by its budget, and nobody else notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import repeat

from pkid.broker.commands import View
from pkid.rembus import packets
from pkid.rembus.factory import RembusFactory
from tests.line.test_protocol import Wire
from tests.rembus.test_handshake import REQUEST
from tests.rembus.test_protocol import ONE, DoorCase, admin

SECONDS = 60
LONGEST = 8
"""Seconds that a stranger may be there: five to shake hands, and three to take leave."""
MASK = bytes(4)


def silent() -> Iterator[bytes]:
    return repeat(b"")


def slow() -> Iterator[bytes]:
    return iter([bytes((byte,)) for byte in REQUEST])


def endless() -> Iterator[bytes]:
    return repeat(b"x" * 5000)


def page() -> Iterator[bytes]:
    return iter([REQUEST.replace(b"Host", b"Origin: http://elsewhere.example\r\nHost")])


def greedy() -> Iterator[bytes]:
    return iter([REQUEST, b"\x82\xff\x7f" + bytes(7) + MASK])


def unmasked() -> Iterator[bytes]:
    return iter([REQUEST + b"\x82\x01a"])


def unending() -> Iterator[bytes]:
    """Send a message in parts that never end."""
    part = b"\xfe\xff\xff" + MASK + bytes(65535)
    return iter([REQUEST, b"\x02" + part, *[(b"\x00" + part) * 6] * 3])


def nested() -> Iterator[bytes]:
    return iter([REQUEST + b"\x82\xfe\x01\x00" + MASK + b"\x81" * 256])


def half_text() -> Iterator[bytes]:
    return iter([REQUEST + b"\x81\x81" + MASK + b"\xff"])


def web_request() -> Iterator[bytes]:
    return iter([REQUEST])


def long_stream() -> Iterator[bytes]:
    return iter([b"\x8f\xff\xff\xff\xff"])


WEB = (silent, slow, endless, page, greedy, unmasked, unending, nested, half_text)
PLAIN = (web_request, long_stream)


class Hostile:
    """A peer that means no good; it says something each second until it is closed."""

    def __init__(self, factory: RembusFactory, says: Callable[[], Iterator[bytes]]) -> None:
        self.kind = says
        self.wire = Wire()
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.wire)
        self._says = says()
        self.seconds = 0

    def act(self) -> None:
        """Say what comes next."""
        self.seconds += 1
        if self.seconds > LONGEST + 1:
            raise AssertionError(f"{self.kind.__name__} is still there")
        self.protocol.dataReceived(next(self._says, b""))


class HostileTests(DoorCase):
    def test_a_minute_of_strangers_of_each_kind(self) -> None:
        reader, writer = self.plain_peer(), self.web_peer()
        reader.say(admin("subscribe"), admin("reactive", status=True))
        writer.say(packets.Ack(1))
        there: list[Hostile] = []
        ended: Counter[str] = Counter()
        for second in range(SECONDS + LONGEST + 1):
            if second < SECONDS:
                there += [Hostile(self.web, kind) for kind in WEB] + [Hostile(self.plain, kind) for kind in PLAIN]
            for peer in there:
                peer.act()
            self.clock.advance(1)
            for peer in [peer for peer in there if peer.wire.aborted]:
                ended[peer.kind.__name__] += 1
                peer.protocol.connectionLost()
                there.remove(peer)
            writer.say(packets.Publication(0, "t", ONE))
            writer.ping()
            self.assertEqual(reader.hear(), [packets.Publication(0, "t", ONE)])
        self.assertEqual(there, [])
        self.assertEqual(ended, {kind.__name__: SECONDS for kind in (*WEB, *PLAIN)})
        self.assertEqual((len(self.messaging.broker.look(View.SESSIONS)), len(self.web.handshakes)), (2, 0))
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
