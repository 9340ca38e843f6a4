"""TLS on a server's connections as Twisted has it, at less cost.

Twisted asks OpenSSL after each step whether there is more to read, and whether there is something to send; pyOpenSSL
says no by an exception. Who counts the records that came need not ask.
"""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import SENT_SHUTDOWN, Error, WantReadError, ZeroReturnError
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import directlyProvides

from pkid.eager import EagerServer, IServerTransport
from pkid.records import LONGEST_RECORD, Records

__all__ = ["BufferingServerTLS", "ServerTLS"]


class ServerTLS(TLSMemoryBIOProtocol):
    """The TLS of one connection; what is written to it should come gathered."""

    transport: Any
    _tlsConnection: Any
    _unread = 0  # records that came whole, and of which nothing was read yet

    def makeConnection(self, transport: ITransport) -> None:
        """Begin; the other end speaks first, so that nothing is to be done for the handshake yet."""
        self._records = Records()
        if type(transport) is not EagerServer:
            super().makeConnection(transport)
            return
        self._tlsConnection = self.factory._creatorCallable(self)
        self._appSendBuffer: list[bytes] = []
        directlyProvides(self, IServerTransport)
        Protocol.makeConnection(self, transport)
        self.factory.registerProtocol(self)
        self.wrappedProtocol.makeConnection(self)

    def dataReceived(self, data: bytes) -> None:
        """Take what came; of a record that is not whole yet, nothing can be read."""
        self._unread = self._records.feed(data)
        if self._unread or not self._handshakeDone:
            super().dataReceived(data)
        else:
            self._tlsConnection.bio_write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note that it is over; who said goodbye in TLS has read all that it will."""
        if not self._lostTLSConnection and self._has_said_goodbye():
            self._lostTLSConnection = True
        super().connectionLost(reason)

    def _flushReceiveBIO(self) -> None:
        """Deliver what came; where every record was data, nothing is left to read, and nothing to be answered."""
        unread, self._unread = self._unread, 0
        while not self._lostTLSConnection:
            try:
                data = self._tlsConnection.recv(LONGEST_RECORD)
            except WantReadError:
                break
            except ZeroReturnError:
                self._take_leave()
                return
            except Error:
                self._tlsShutdownFinished(Failure())
                return
            if not self._aborted:
                self.wrappedProtocol.dataReceived(data)
            unread -= 1
            if not unread:
                return
        self._flushSendBIO()

    def _take_leave(self) -> None:
        """Close the connection, because the other end said goodbye."""
        if not self._has_said_goodbye():
            self._shutdownTLS()
        self._lostTLSConnection = True
        self.transport.loseConnection()

    def _has_said_goodbye(self) -> bool:
        return bool(self._tlsConnection.get_shutdown() & SENT_SHUTDOWN)


class BufferingServerTLS(ServerTLS, BufferingTLSTransport):
    """The TLS of one connection, which gathers what is written to it in a turn of the reactor."""
