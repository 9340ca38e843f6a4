"""The connected clients, and what is written to them. A delivery is encoded once for all who share a dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pkid.broker.effects import Close, CloseReason, Deliver, DeliverBatch, Invoke, Send, Undelivered
from pkid.broker.inputs import Disconnect
from pkid.broker.message import Message
from pkid.broker.topic import Pattern
from pkid.messaging.connection import Connection, Surroundings
from pkid.messaging.engine import Engine, Handlers
from pkid.messaging.interfaces import Approach, Client, Dialect
from pkid.messaging.occupancy import Occupancy
from pkid.messaging.rates import Rates
from pkid.messaging.tally import Tally

__all__ = ["Connections"]


_NOT_ACKNOWLEDGED = "not acknowledged"


class Connections:
    """Knows the client of each session that is not closed.

    :param rates: what each session may ask for in a second.
    """

    _log = Logger()

    def __init__(self, engine: Engine, occupancy: Occupancy, rates: Rates, tally: Tally, clock: IReactorTime) -> None:
        self._engine = engine
        self._occupancy = occupancy
        self._tally = tally
        self._surroundings = Surroundings(engine, tally, clock, rates, self._forget)
        self._connections: dict[int, Connection] = {}
        self._empty: Deferred[None] | None = None

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections.values()))

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def handlers(self) -> Handlers:
        """What carries out the effects that clients see."""
        return {
            Send: self._send,
            Deliver: self._deliver,
            DeliverBatch: self._deliver_batch,
            Invoke: self._invoke,
            Close: self._close,
            Undelivered: self._give_up,
        }

    def find(self, number: int) -> Connection | None:
        """Return the connection of a session, unless that is closed."""
        return self._connections.get(number)

    def open(self, client: Client, approach: Approach, nonce: bytes, *, offered: bool, active: bool) -> Connection:
        """Begin a session for a client.

        :raises Unavailable: ``busy`` when there is no place for it.
        """
        self._occupancy.enter(approach.peer)
        engine = self._engine
        number, effects = engine.broker.connect(nonce, engine.moment(), offered, active)
        connection = Connection(number, client, approach, nonce, self._surroundings)
        self._connections[number] = connection
        engine.carry_out(effects)
        return connection

    def prove(self, connection: Connection) -> None:
        """Take note that a client proved its name."""
        connection.is_proven = True
        self._occupancy.prove(connection.approach.peer)

    def disconnect_all(self, reason: CloseReason) -> None:
        """End all sessions."""
        for connection in self:
            connection.disconnect(reason)

    def when_empty(self) -> Deferred[None]:
        """Fire when all clients are gone, or were given up."""
        empty: Deferred[None] = Deferred()
        if self._occupancy:
            self._empty = empty
        else:
            empty.callback(None)
        return empty

    def give_up(self) -> None:
        """Wait no longer for the last clients to go."""
        empty, self._empty = self._empty, None
        if empty is not None:
            empty.callback(None)

    def _forget(self, connection: Connection) -> None:
        """Take note that a client is gone."""
        self._connections.pop(connection.number, None)
        self._occupancy.leave(connection.approach.peer, proven=connection.is_proven)
        if not self._occupancy:
            self.give_up()

    def _send(self, effect: Send) -> None:
        connection = self._connections.get(effect.session)
        if connection is not None:
            connection.client.send(effect.reply)

    def _deliver(self, effect: Deliver) -> None:
        message, pattern, again = effect.message, effect.pattern, effect.again
        self._write(effect.sessions, lambda dialect: self._encode(dialect, message, pattern, again), 1)

    def _deliver_batch(self, effect: DeliverBatch) -> None:
        sessions, batch, pattern = effect.sessions, effect.batch, effect.pattern
        there = [self._connections[number] for number in sessions if number in self._connections]
        try:
            encoded = {
                dialect: dialect.encode_batch(batch, pattern) for dialect in {each.client.dialect for each in there}
            }
        except Exception:
            for message in batch.messages:  # one of them cannot be written: that is found out one by one
                self._deliver(Deliver(sessions, message, pattern))
        else:
            self._write(sessions, encoded.get, len(batch.payloads))

    def _write(self, sessions: tuple[int, ...], encode: Callable[[Dialect], bytes | None], messages: int) -> None:
        """Write so many messages to sessions, encoded once for all who share a dialect."""
        connections = self._connections
        encoded: dict[Dialect, bytes | None] = {}
        last, delivery, unwritten = None, None, 0
        for number in sessions:
            connection = connections.get(number)
            if connection is None:
                continue
            client = connection.client
            dialect = client.dialect
            if dialect is not last:
                if dialect not in encoded:
                    encoded[dialect] = encode(dialect)
                last, delivery = dialect, encoded[dialect]
            if delivery is None:
                unwritten += 1
                continue
            try:
                client.write(delivery)
            except Exception:
                self._break(connection)
        self._tally.delivered += messages * (len(sessions) - unwritten)
        if unwritten:
            self._tally.undelivered["unwritable"] += messages * unwritten

    def _encode(self, dialect: Dialect, message: Message, pattern: Pattern | None, again: bool) -> bytes | None:
        """Return a delivery, or nothing when a dialect has no way to write it: that is no fault of who is to get it."""
        try:
            return dialect.encode(message, pattern, again)
        except Exception:
            self._log.failure("cannot write message {number}, which is passed over", number=message.number)
            return None

    def _break(self, connection: Connection) -> None:
        """End a session to which nothing can be written, so that the others get what is theirs."""
        self._log.failure("cannot write to session {number}", number=connection.number)
        self._engine.receive(connection.number, Disconnect(CloseReason.LOST))
        self._drop(connection.number, CloseReason.LOST)

    def _invoke(self, effect: Invoke) -> None:
        connection = self._connections.get(effect.session)
        if connection is not None:
            connection.client.invoke(effect.invocation)

    def _close(self, effect: Close) -> None:
        self._drop(effect.session, effect.reason)

    def _drop(self, number: int, reason: CloseReason) -> None:
        connection = self._connections.pop(number, None)
        if connection is not None:
            self._tally.closed[reason.code] += 1
            connection.close(reason)

    def _give_up(self, effect: Undelivered) -> None:
        unanswered = effect.why.startswith(_NOT_ACKNOWLEDGED)
        self._tally.undelivered["unacknowledged" if unanswered else "unwanted"] += 1
