"""From a connection to an open session: Twisted's client service sees a protocol once its component is logged in.

Twisted cannot have a connection lost while it is being prepared; here it is not connected before it is prepared.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.line.client.connection import Connection

__all__ = ["LOGIN_TIME", "Session", "SessionEndpoint"]

LOGIN_TIME = 15.0
"""Seconds in which a connection must become a session."""


class Session(TwistedProtocol):
    """An open session, on the connection that is its transport."""

    @property
    def connection(self) -> Connection:
        """The connection."""
        transport: Any = self.transport
        connection: Connection = transport.connection
        return connection


class _Transport:
    """A connection as the transport of a session."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def loseConnection(self) -> None:
        """Say goodbye."""
        self.connection.leave()


@implementer(IStreamClientEndpoint)
class SessionEndpoint:
    """Connects and logs in.

    :param endpoint: leads to the line door.
    :param make: makes a connection.
    :param open_session: logs in, and asks for everything that is wanted.
    """

    _log = Logger()

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        make: Callable[[], Connection],
        open_session: Callable[[Connection], Awaitable[object]],
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._make = make
        self._open_session = open_session

    def __repr__(self) -> str:
        return f"<SessionEndpoint through {self._endpoint!r}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect; fire with the factory's protocol once the session is open."""
        connections: list[Connection] = []
        attempt = Deferred.fromCoroutine(self._connect(protocolFactory, connections))
        attempt.addTimeout(LOGIN_TIME, self._clock)
        return attempt.addErrback(_abort, connections).addErrback(self._tell)

    async def _connect(self, factory: IProtocolFactory, connections: list[Connection]) -> IProtocol:
        def made() -> Connection:
            connections.append(self._make())
            return connections[-1]

        connection: Any = await self._endpoint.connect(Factory.forProtocol(made))
        await self._open_session(connection)
        protocol = factory.buildProtocol(connection.transport.getPeer())
        assert protocol is not None
        connection.when_lost.addCallback(lambda _: protocol.connectionLost(connectionDone))
        transport: Any = _Transport(connection)
        protocol.makeConnection(transport)
        return protocol

    def _tell(self, failure: Failure) -> Failure:
        """Say why there is no session: whoever waits for one may wait for long."""
        if failure.check(CancelledError) is None:
            self._log.warn("{way}: no session: {reason}", way=self, reason=failure.getErrorMessage())
        return failure


def _abort(failure: Failure, connections: list[Connection]) -> Failure:
    for connection in connections:
        if connection.transport is not None:
            connection.abort()
    return failure
