"""A minute of strangers at the line door: each is sent away, nothing of them stays, and good clients do not notice."""

from __future__ import annotations

from collections import Counter
from random import Random
from threading import Event as Flag
from time import monotonic
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from pkid.broker.commands import Publish, Subscribe
from pkid.broker.payload import Payload, PayloadKind
from pkid.line.codec import EventReader
from pkid.line.events import Closed, Delivered
from tests.daemon import Daemon, start_daemon
from tests.faults.test_flood import MEGABYTE, memory
from tests.integration.lines import LinePeer
from tests.support import slow

SECONDS, PER_SECOND = 60, 10
WARM = 20
"""Seconds until every kind of stranger was there, and the allocator has what it takes for them."""
MOST_MEMORY = 8 * MEGABYTE

REASONS = {
    "no word": {""},
    "no word in TLS": {"login-time"},
    "a byte a second": {"login-time"},
    "a line without an end": {"malformed"},
    "a body without measure": {"malformed"},
    "noise": {""},
    "noise in TLS": {"malformed"},
    "much talk": {"login-size"},
}
"""What each kind of stranger is told in the end; nothing, where there is no TLS to say it in."""


class Stranger(Protocol):
    """One that means no good.

    :ivar code: why it was sent away, as far as it was told.
    :ivar gone: fires when it is.
    """

    def __init__(self, kind: str, random: Random) -> None:
        self.kind = kind
        self.code = ""
        self.gone: Deferred[None] = Deferred()
        self._noise = random.randbytes(300) + b"\xff\n"
        self._reader = EventReader()
        self._drip = LoopingCall(self._send, b"x")

    def connectionMade(self) -> None:
        match self.kind:
            case "a byte a second":
                self._drip.start(1.0)
            case "a line without an end":
                self._send(b"x" * 10_000)
            case "a body without measure":
                self._send(b"PUBLISH a +999999999\n" + b"x" * 10_000)
            case "noise" | "noise in TLS":
                self._send(self._noise)
            case "much talk":
                self._send((b"#" + b"i" * 64 + b" PING\n") * 300)

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)
        for event in iter(self._reader.read, None):
            if isinstance(event, Closed):
                self.code = event.code

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._drip.running:
            self._drip.stop()
        self.gone.callback(None)

    def _send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class _Only(Factory[Stranger]):
    """Makes no protocol but the one it is given."""

    noisy = False

    def __init__(self, stranger: Stranger) -> None:
        self.stranger = stranger

    def buildProtocol(self, address: object) -> Stranger:
        return self.stranger


class StrangerTests(TestCase):
    timeout = 300

    async def test_a_minute_of_strangers(self) -> None:
        slow()
        self.daemon: Daemon = await deferToThread(start_daemon, self)
        self.random = Random(11)
        self.strangers: list[Stranger] = []
        over = Flag()
        conversation = deferToThread(self.converse, over)
        coming = LoopingCall(self.send_some)
        before: list[int] = []
        reactor.callLater(WARM, lambda: before.append(memory(self.daemon)))
        reactor.callLater(SECONDS - 0.5, coming.stop)
        await coming.start(1.0)
        await gatherResults([stranger.gone for stranger in self.strangers])
        over.set()
        said, longest = await conversation
        grown = memory(self.daemon) - before[0]
        ended = Counter((stranger.kind, stranger.code) for stranger in self.strangers)
        growth, slowest = f"{grown / MEGABYTE:.1f} MB after {WARM} s", f"the slowest took {longest * 1000:.0f} ms"
        print(f" [{len(self.strangers)} strangers; memory grew by {growth}; {said} messages, {slowest}]", end="")
        self.assertGreaterEqual(len(self.strangers), SECONDS * PER_SECOND * 0.9)
        self.assertEqual({(kind, code) for kind, code in ended if code not in REASONS[kind]}, set())
        self.assertEqual({kind for kind, _ in ended}, set(REASONS))
        self.assertLess(grown, MOST_MEMORY)

    def send_some(self) -> None:
        """Let the strangers of one second come."""
        for _ in range(PER_SECOND):
            stranger = Stranger(self.random.choice(list(REASONS)), self.random)
            protocol: Any = stranger
            if stranger.kind not in {"no word", "noise"}:
                protocol = TLSMemoryBIOFactory(CertificateOptions(), True, _Only(stranger)).buildProtocol(None)
            self.strangers.append(stranger)
            connectProtocol(TCP4ClientEndpoint(reactor, *self.daemon.address("line")), protocol).addErrback(self.fail)

    def converse(self, over: Flag) -> tuple[int, float]:
        """Send messages from one good client to another; return how many, and how many seconds the slowest took."""
        listener, speaker = LinePeer(self.daemon), LinePeer(self.daemon)
        listener.ask(Subscribe("1", "good"))
        count, longest = 0, 0.0
        while not over.wait(0.1):
            began = monotonic()
            speaker.send(Publish("", "good", Payload(PayloadKind.TEXT, b"%d" % count), 8))
            heard = listener.next(Delivered)
            assert heard.payload.data == b"%d" % count
            count, longest = count + 1, max(longest, monotonic() - began)
        listener.leave()
        speaker.leave()
        return count, longest
