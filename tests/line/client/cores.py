"""A core at the other end of a client's connections, in memory: it understands, and says what the test has it say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from twisted.internet.defer import Deferred, execute, fail, succeed
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.agent.runtime import Runtime
from pkid.auth.own_credential import OwnCredential
from pkid.auth.schemes import Scheme
from pkid.broker.commands import Command, Setup
from pkid.line.client.client import Client
from pkid.line.codec import CommandReader, Talk, write_greeting
from tests.support import Case

__all__ = ["ClientCase", "End"]

NONCE = bytes(range(32))


class End:
    """The core's end of one connection."""

    def __init__(self, protocol: Any, core: MemoryCore) -> None:
        self.protocol = protocol
        self.transport = _Transport(self)
        self._reader = CommandReader()
        protocol.makeConnection(self.transport)
        if core.greets:
            self.say(write_greeting("core.example", NONCE, core.offers).decode().removesuffix("\n"))

    def say(self, *lines: str) -> None:
        """Send lines to the client."""
        for line in lines:
            self.protocol.dataReceived(f"{line}\n".encode())

    def heard(self) -> list[Command | Talk]:
        """Return what the client said since this was asked the last time."""
        self._reader.feed(self.transport.value())
        self.transport.clear()
        return list(iter(self._reader.read, None))

    def only(self, kind: type[Any]) -> Any:
        """Return the one command of a kind that the client said since."""
        (found,) = [command for command in self.heard() if isinstance(command, kind)]
        return found

    def confirm(self, kind: type[Any], *more: str) -> Any:
        """Do what the client asked for, and return what that was."""
        command = self.only(kind)
        self.say(f"#{command.request} OK{''.join(more)}")
        return command

    def lose(self) -> None:
        """Cut the connection."""
        self.transport.connected = False
        self.protocol.connectionLost(Failure(ConnectionLost()))


class _Transport(StringTransport):
    """Loses its connection when the client wants that."""

    aborted = False

    def __init__(self, end: End) -> None:
        super().__init__()
        self._end = end

    def loseConnection(self) -> None:
        assert self.producer is None, "a transport with a producer is not closed"
        super().loseConnection()

    def abortConnection(self) -> None:
        self.aborted = True
        if self.connected:
            self._end.lose()


@implementer(IStreamClientEndpoint)
class MemoryCore:
    """Takes connections, when it is there.

    :ivar ends: the ends of the connections so far.
    """

    def __init__(self) -> None:
        self.ends: list[End] = []
        self.is_there = self.greets = True
        self.offers: tuple[Scheme, ...] = tuple(Scheme)

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, or refuse to."""
        if not self.is_there:
            return fail(ConnectionRefusedError())
        protocol = protocolFactory.buildProtocol(cast("Any", None))
        assert protocol is not None
        self.ends.append(End(protocol, self))
        return succeed(protocol)


class ClientCase(Case):
    """A client that is started, and the core."""

    component: str | None = None
    credential: OwnCredential | None = None

    def setUp(self) -> None:
        self.clock = Clock()
        self.core = MemoryCore()
        runtime = Runtime(
            self.clock, lambda: datetime.now(UTC), lambda: 0.0, lambda work: execute(work), lambda host, port: self.core
        )
        self.client = Client(self.core, runtime, self.component, self.credential, random_bytes=lambda size: bytes(size))
        self.addCleanup(self.stop)

    def stop(self) -> None:
        if self.client.running:
            self.client.stopService()
        for end in self.core.ends:
            end.transport.abortConnection()
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def failed(self, failing: Deferred[Any], *kinds: type[BaseException]) -> Any:
        """Return what somebody who waits for the connection fails with; that is told in the reactor's next turn."""
        self.clock.advance(0)
        return self.failureResultOf(failing, *kinds)

    @property
    def end(self) -> End:
        """The core's end of the newest connection."""
        return self.core.ends[-1]

    def start(self) -> None:
        """Have the client connect, without a name."""
        self.client.startService()
        self.end.confirm(Setup)
        self.clock.advance(0)
        self.assertTrue(self.client.connected)

    def reconnect(self) -> Setup:
        """Cut the connection, let the client come again, and return what it asks for."""
        self.end.lose()
        self.assertFalse(self.client.connected)
        self.clock.advance(1)
        setup = self.end.confirm(Setup)
        self.clock.advance(0)
        return cast("Setup", setup)
