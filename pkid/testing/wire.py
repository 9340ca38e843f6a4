"""Connections in memory that carry bytes when a clock moves, and not before."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

__all__ = ["MemoryEndpoint"]

_HERE = IPv4Address("TCP", "192.0.2.1", 49152)
_THERE = IPv4Address("TCP", "192.0.2.2", 8900)


@implementer(IStreamClientEndpoint)
class MemoryEndpoint:
    """Connects to a server's factory in the same process.

    :param is_open: tells whether the server takes connections now; otherwise they are refused.
    """

    def __init__(self, server: IProtocolFactory, clock: Clock, is_open: Callable[[], bool]) -> None:
        self._server = server
        self._clock = clock
        self._is_open = is_open

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect at once; bytes go over the wire with the clock."""
        if not self._is_open():
            return fail(ConnectionRefusedError())
        client, server = protocolFactory.buildProtocol(_THERE), self._server.buildProtocol(_HERE)
        if client is None or server is None:
            return fail(ConnectionRefusedError())
        ours, theirs = _Wire(server, self._clock, _HERE, _THERE), _Wire(client, self._clock, _THERE, _HERE)
        ours.other, theirs.other = theirs, ours
        server.makeConnection(theirs)
        client.makeConnection(ours)
        return succeed(client)


class _Wire(StringTransport):
    """One end of a connection; what is written to it reaches the protocol at the other end."""

    other: _Wire
    _ended = False

    def __init__(self, reader: IProtocol, clock: Clock, host: IPv4Address, peer: IPv4Address) -> None:
        super().__init__(host, peer, lenient=True)
        self._reader = reader
        self._clock = clock

    def write(self, data: bytes) -> None:
        if data and not self.disconnecting:
            self._clock.callLater(0, self._deliver, data)

    def writeSequence(self, data: list[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """End the connection after what was written."""
        if not self.disconnecting:
            self.disconnecting = True
            self._clock.callLater(0, self._end, ConnectionDone())

    def abortConnection(self) -> None:
        """End the connection now; nothing more arrives at this end."""
        self.disconnecting = True
        self.other.disconnecting = True
        self._clock.callLater(0, self._end, ConnectionAborted())

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing: there is no network whose packets could be saved."""

    def _deliver(self, data: bytes) -> None:
        if not self._ended:
            self._reader.dataReceived(data)

    def _end(self, reason: Exception) -> None:
        if self._ended:
            return
        self._ended = self.other._ended = True
        self.other._reader.connectionLost(Failure(reason))
        self._reader.connectionLost(Failure(ConnectionDone()))
