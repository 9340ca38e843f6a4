"""A session that is kept up: whenever it is lost, another connection is made, and what is wanted is asked for again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger

from pkid.agent.runtime import Runtime
from pkid.broker.commands import Command, Setup
from pkid.line.client.connection import Connection, Receiver
from pkid.line.client.errors import Disconnected
from pkid.line.client.login import Login
from pkid.line.client.session import Session, SessionEndpoint
from pkid.line.events import Succeeded, Welcomed

__all__ = ["Link", "data_of", "no_connection", "pause_before"]

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds
_UNWELCOME = ("expelled", "replaced")


class Link:
    """The way to the broker.

    :param wanted: makes the command that asks for all that is wanted at the moment, with this id.
    :param opened: is told of each connection that is a session now, before anybody else can use it.
    :ivar connection: the connection, while there is an open session that new work may begin on.
    :ivar welcome: the core's last welcome.
    """

    _log = Logger()

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        runtime: Runtime,
        login: Login,
        receiver: Receiver,
        wanted: Callable[[str], Setup],
        opened: Callable[[Connection], None],
    ) -> None:
        self.connection: Connection | None = None
        self.welcome: Welcomed | None = None
        self._runtime = runtime
        self._login = login
        self._wanted = wanted
        self._opened = opened
        self._last_words = ""
        way = SessionEndpoint(endpoint, runtime.clock, lambda: Connection(runtime.clock, receiver), self._open)
        self._service = ClientService(way, Factory.forProtocol(Session), self._pause, runtime.clock)

    def start(self) -> None:
        """Begin to connect."""
        self._service.startService()

    def stop(self) -> Deferred[None]:
        """Say goodbye; fire when the connection is gone."""
        stopping: Deferred[None] = self._service.stopService()
        return stopping.addBoth(self._in_next_turn)

    def when_connected(self, tries: int | None = None) -> Deferred[Session]:
        """Fire when the session is open.

        :param tries: after how many attempts to fail, as the last one failed; without it, never.
        """
        connecting: Deferred[Any] = self._service.whenConnected(tries)
        return connecting.addBoth(self._in_next_turn)

    def ask(self, make: Callable[[str], Command]) -> Deferred[Succeeded]:
        """Ask over the connection that there is; fail if there is none."""
        connection = self.connection
        return fail(no_connection()) if connection is None else connection.request(make(connection.next_id()))

    def insist(self, make: Callable[[str], Command]) -> Deferred[Succeeded]:
        """Ask as soon as there is a connection, and again when it is lost before the answer."""
        return Deferred.fromCoroutine(self._insist(make))

    def retire(self, connection: Connection) -> None:
        """Begin nothing more on a connection, and have another one when what is under way is done."""
        self._log.info("the core is about to stop; another connection is made when this one has ended")
        self._lost(None, connection)
        connection.retire()

    async def _insist(self, make: Callable[[str], Command]) -> Succeeded:
        while True:
            connection = self.connection or (await self.when_connected()).connection
            try:
                answer: Succeeded = await connection.request(make(connection.next_id()))
            except Disconnected:
                continue
            return answer

    async def _open(self, connection: Connection) -> None:
        connection.when_lost.addCallback(self._lost, connection)
        self.welcome = await self._login.perform(connection, self._runtime)
        done = await connection.request(self._wanted(connection.next_id()))
        for topic in json.loads(data_of(done) or b"[]"):
            self._log.warn("the core does not let the component have {topic} any more", topic=topic)
        self._opened(connection)
        self.connection = connection
        self._last_words = ""

    def _lost(self, result: None, connection: Connection) -> None:
        self._last_words = connection.last_words or self._last_words
        if self.connection is connection:
            self.connection = None

    def _in_next_turn(self, result: Any) -> Deferred[Any]:
        """Tell whoever waits later: Twisted's client service must not be called from what it calls."""
        return deferLater(self._runtime.clock, 0, lambda: result)

    def _pause(self, attempt: int) -> float:
        # Two clients under one name would throw one another out without end.
        patience = attempt + 10 if self._last_words in _UNWELCOME else attempt
        return pause_before(patience, self._runtime.random())


def pause_before(attempt: int, chance: float) -> float:
    """Return how many seconds to wait before an attempt to connect: longer each time, and never the same for all.

    :param attempt: 1 for the first one after a connection was lost.
    :param chance: a random number of at least 0 and below 1.
    """
    return min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2.0 ** min(attempt - 1, 10)) * (0.5 + chance / 2)


def no_connection() -> Disconnected:
    """Return what fails whatever needs a connection now."""
    return Disconnected("there is no connection to the core now; wait for when_connected()")


def data_of(answer: Succeeded) -> bytes:
    """Return the body of an answer."""
    return b"" if answer.payload is None else answer.payload.data
