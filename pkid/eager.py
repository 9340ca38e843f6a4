"""A server's TCP connection that sends at once, instead of when its reactor says that the socket can be written to.

It nearly always can, and to ask costs an answer a turn of the reactor and three calls of the system. What is written
while bytes are taken is sent when they were taken, in one piece; other writes are sent one by one, so they should come
gathered.
"""

from __future__ import annotations

from collections.abc import Iterable
from errno import EWOULDBLOCK
from socket import IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET, TCP_NODELAY

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    IHalfCloseableDescriptor,
    IListeningPort,
    ILoggingContext,
    IPushProducer,
    IReadWriteDescriptor,
    ISystemHandle,
    ITLSTransport,
)
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.tcp import Port, Server
from zope.interface import implementer_only

__all__ = ["EagerServer", "IServerTransport", "send_at_once"]


class IServerTransport(
    ITLSTransport,
    ISystemHandle,
    IPushProducer,
    IReadWriteDescriptor,
    IConsumer,
    IHalfCloseableDescriptor,
    ILoggingContext,
):
    """All that a server's TCP connection provides, as one interface.

    TLS declares of each of its connections what the one below provides, interface by interface, and of nine of them
    that cost a tenth of a login.
    """


@implementer_only(IServerTransport)
class EagerServer(Server):
    """Sends at once as much as the system takes; the reactor sees to the rest, and to whatever goes wrong."""

    _is_reading = False
    _is_due = False  # whether there is something to do when what came was taken
    _is_watched = False  # whether the reactor tells when the socket can be written to
    _gathered = b""  # what was written since this began to read

    def doRead(self) -> ConnectionLost | ConnectionDone | None:  # type: ignore[override]
        """Take what came, and send what was written meanwhile."""
        try:
            data = self.socket.recv(self.bufferSize)
        except OSError as error:
            return None if error.errno == EWOULDBLOCK else CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        self._is_reading = True
        try:
            self.protocol.dataReceived(data)
        finally:
            self._is_reading = False
            if (self._gathered or self._is_due) and self.connected and not self._aborting:
                self._go_on()
        return None

    def write(self, data: bytes) -> None:
        """Write; what is not sent at once is buffered.

        It waits for what is to be sent before, and for a producer that is to be asked for more when that was sent.
        """
        waits = self.dataBuffer or self._tempDataBuffer or self.disconnecting or not self.connected
        if waits or not (self.producer is None or self.streamingProducer):
            self._buffer_gathered()
            super().write(data)
        elif not self._is_reading:
            self._send(data)
        else:
            self._gathered += data
            if len(self._gathered) > self.bufferSize:
                self._buffer_gathered()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Have pieces sent by the reactor, or when what came was taken."""
        self._buffer_gathered()
        super().writeSequence(iovec)

    def startWriting(self) -> None:
        """Have what is buffered sent: by the reactor, or when what came was taken."""
        if self._is_reading:
            self._is_due = True
        else:
            self._is_watched = True
            super().startWriting()

    def stopWriting(self) -> None:
        """Ask the reactor no longer, if it was asked."""
        if self._is_watched:
            self._is_watched = False
            super().stopWriting()

    def _buffer_gathered(self) -> None:
        """Buffer what was gathered, because it comes before what is to be buffered next."""
        gathered, self._gathered = self._gathered, b""
        if gathered:
            super().write(gathered)

    def _go_on(self) -> None:
        """Send what was written while this read, and close the connection if that is to be."""
        gathered, self._gathered = self._gathered, b""
        if gathered:
            self._send(gathered)
        if self._is_due:
            self._is_due = False
            if self.doWrite() is not None or self.disconnecting or self.dataBuffer:
                self.startWriting()

    def _send(self, data: bytes) -> None:
        """Send what the system takes now; whatever is wrong, the reactor finds out when it sends the rest."""
        try:
            sent = self.socket.send(data[: self.SEND_LIMIT])
        except OSError:
            sent = 0
        if sent < len(data):
            super().write(data[sent:])


def send_at_once(port: IListeningPort) -> None:
    """Have the connections that a TCP port accepts from now on send at once.

    The system, too: they inherit of the port's socket that it waits for no more bytes, and that it looks now and then
    whether the other end is there.
    """
    if isinstance(port, Port) and port.transport is Server:
        port.transport = EagerServer
        port.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, True)
        port.socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, True)
        port._logger = Port._logger  # otherwise one is made for each turn in which somebody comes
