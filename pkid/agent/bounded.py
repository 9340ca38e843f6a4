"""A connection from which only so much is read: limits stand before buffers, whoever parses behind them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from zope.interface import implementer

__all__ = ["BoundedEndpoint"]


@implementer(IStreamClientEndpoint)
class BoundedEndpoint:
    """Connects to another endpoint, and ends the connection that sends too much.

    :param most: bytes that may come in over one connection.
    :ivar exceeded: whether more came.
    """

    _connection: _Bounded | None = None

    def __init__(self, endpoint: IStreamClientEndpoint, most: int) -> None:
        self._endpoint = endpoint
        self.most = most
        self.exceeded = False

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect; fire with the factory's own protocol."""
        connecting: Deferred[Any] = self._endpoint.connect(_Factory(protocolFactory, self))
        return connecting.addCallback(self._connected)

    def abort(self) -> None:
        """End the connection that was made last, if it is open, without waiting for the other side."""
        if self._connection is not None:
            self._connection.abortConnection()

    def _connected(self, connection: _Bounded) -> IProtocol:
        self._connection = connection
        return connection.wrappedProtocol


class _Bounded(ProtocolWrapper):
    """Counts what comes in."""

    factory: _Factory

    def __init__(self, factory: _Factory, wrappedProtocol: IProtocol) -> None:
        super().__init__(factory, wrappedProtocol)
        self._left = factory.endpoint.most

    def dataReceived(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left >= 0:
            super().dataReceived(data)
        elif not self.factory.endpoint.exceeded:
            self.factory.endpoint.exceeded = True
            self.abortConnection()


class _Factory(WrappingFactory[_Bounded]):
    """Wraps the protocols of another factory."""

    protocol = _Bounded
    noisy = False

    def __init__(self, wrappedFactory: IProtocolFactory, endpoint: BoundedEndpoint) -> None:
        super().__init__(wrappedFactory)
        self.endpoint = endpoint

    def doStart(self) -> None:
        """Log nothing: one connection is no event."""

    def doStop(self) -> None:
        """Log nothing."""
