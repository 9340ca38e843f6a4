"""What the agent's tests share: a core in memory, impostors in its place, and a clock that moves on demand."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from pkid.agent import Core, MemoryStorage, Storage
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.names import Names
from pkid.state import KeyPair
from pkid.testing import START, MemoryCore
from pkid.testing.wire import MemoryEndpoint
from pkid.tls import LiveContext, server_context
from tests.certificates import SERIAL, private_key, profile
from tests.support import Case

__all__ = ["AgentCase", "Impostor"]

T = TypeVar("T")

Step = bytes | Callable[["_Answering"], None]
"""What a connection gets when its request is complete: these bytes and the end, or what a function does."""


class AgentCase(Case):
    """Has a core in memory."""

    def setUp(self) -> None:
        self.memory_core = MemoryCore()
        self.clock = self.memory_core.clock

    def begin(self, work: Awaitable[T]) -> Deferred[T]:
        """Let everything happen that needs no time, and return what may not be done yet."""
        running = work if isinstance(work, Deferred) else Deferred.fromCoroutine(_await(work))
        self.clock.advance(0)
        return running

    def done(self, work: Awaitable[T]) -> T:
        """Return what the work gives, without time passing."""
        return self.successResultOf(self.begin(work))

    def failed(self, work: Awaitable[Any], error: type[Exception]) -> Exception:
        """Return the error, of exactly this kind, with which the work fails without time passing."""
        failure = self.failureResultOf(self.begin(work))
        self.assertIs(failure.type, error, failure.getTraceback())
        assert isinstance(failure.value, Exception)
        return failure.value

    def core_at(self, impostor: Impostor, storage: Storage | None = None, **options: Any) -> Core:
        """Return a view of the core whose connections end at an impostor."""
        runtime = replace(self.memory_core.runtime, reach=impostor.reach)
        psk = options.pop("psk", self.memory_core.psk)
        return Core(options.pop("url", self.memory_core.url), psk, storage or MemoryStorage(), runtime, **options)

    def pass_time(self, span: timedelta, step: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass, a step after the other."""
        self.clock.pump([step.total_seconds()] * (span // step) + [(span % step).total_seconds()])


class Impostor:
    """Answers in the core's place: one step for each connection, by TLS with a certificate of its choice.

    :param names: the host names in its certificate.
    :param issuer: its CA; one of its own by default.
    :param plain: whether it speaks no TLS.
    :param refuses: whether it ends connections of clients that show a certificate, by an alert.
    :ivar requests: what came in, whole requests only.
    :ivar greeting: what it sends before anything came in.
    """

    greeting = b""

    def __init__(
        self,
        memory_core: MemoryCore,
        *steps: Step,
        names: tuple[str, ...] = ("core.example",),
        issuer: Issuer | None = None,
        plain: bool = False,
        refuses: bool = False,
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._steps = list(steps)
        self._clock = memory_core.clock
        answering: Factory[_Answering] = Factory.forProtocol(_Answering)
        answering.impostor = self  # type: ignore[attr-defined]
        if plain:
            self._server: Any = answering
            return
        issuer = issuer or make_root(private_key(owner="impostor"), START, SERIAL)
        key = private_key(owner="impostor's own")
        approved = profile().approve_core(key.public_key(), Names(dns=names))
        live = LiveContext()
        leaf = issuer.sign(approved, memory_core.now(), SERIAL)
        context = server_context(KeyPair(key, leaf), [issuer.chain])
        if refuses:
            context.set_verify(SSL.VERIFY_PEER, lambda *_: False)
        live.swap(context)
        self._server = TLSMemoryBIOFactory(live, False, answering, self._clock)

    def reach(self, host: str, port: int) -> IStreamClientEndpoint:
        """Lead every connection here."""
        self.connections += 1
        return MemoryEndpoint(self._server, self._clock, lambda: True)

    def next_step(self) -> Step:
        """Return what the next connection gets."""
        return self._steps.pop(0) if self._steps else b""


class _Answering(Protocol):
    """Waits for one whole request, and does as the impostor says."""

    lost: Failure | None = None

    def connectionMade(self) -> None:
        self._received = b""
        assert self.transport is not None
        self.transport.write(self.factory.impostor.greeting)

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if not end or len(body) < int(length[1] if length else 0):
            return
        impostor: Impostor = self.factory.impostor
        impostor.requests.append(self._received)
        step = impostor.next_step()
        assert self.transport is not None
        if callable(step):
            step(self)
        else:
            self.transport.write(step)
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = reason


async def _await(work: Awaitable[T]) -> T:
    return await work
