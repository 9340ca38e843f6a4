"""Messages on their way from a connection to the program that subscribed to them.

What waits for a slow subscriber is bounded. A message that is to be acknowledged is acknowledged when the subscriber
is done with it: when its handler returned, or when the next one is asked for.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator
from inspect import isawaitable
from typing import Self

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from pkid.broker.commands import LAST_RECEIVED, Acknowledge, Subscribe
from pkid.line.client.connection import Connection
from pkid.line.events import Delivered

__all__ = ["MOST_WAITING", "Handler", "Subscription", "Subscriptions"]

MOST_WAITING = 1000
"""Messages that wait for one subscriber; beyond that the oldest is dropped: it comes again if it has a number."""

_MOST_REMEMBERED = 4096  # numbers of messages that were acknowledged

Handler = Callable[[Delivered], Awaitable[object] | object]
"""Takes a message; the next one comes when what it returned is done."""

_Arrival = tuple[Delivered, Connection]


class Subscription:
    """What comes on one topic or pattern: ``async for message in subscription``.

    :ivar topic: the topic or pattern.
    :ivar since: from how many seconds ago messages are wanted.
    :ivar dropped: how many messages were dropped because the program was too slow.
    """

    def __init__(self, topic: str, since: float | None, release: Callable[[_Arrival, bool], None]) -> None:
        self.topic = topic
        self.since = since
        self.dropped = 0
        self._release = release
        self._arrived: deque[_Arrival] = deque()
        self._taken: _Arrival | None = None
        self._waiter: Deferred[None] | None = None
        self._ended = False

    def command(self, request: str) -> Subscribe:
        """Return what is asked of the core the first time."""
        return Subscribe(request, self.topic, self.since)

    @property
    def part(self) -> tuple[str, float | None]:
        """What is asked of the core when the connection was lost: the past is not wanted twice."""
        return self.topic, self.since if self.since == LAST_RECEIVED else None

    def arrive(self, arrival: _Arrival) -> None:
        """Take a message from a connection."""
        self._arrived.append(arrival)
        if len(self._arrived) > MOST_WAITING:
            self._release(self._arrived.popleft(), False)
            self.dropped += 1
        self._wake()

    def end(self) -> None:
        """Let the iteration end when what arrived is read."""
        self._ended = True
        self._wake()

    def give_up(self) -> None:
        """Leave the message that was taken last as if it had not arrived."""
        if self._taken is not None:
            self._release(self._taken, False)
            self._taken = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivered:
        if self._taken is not None:
            self._release(self._taken, True)
            self._taken = None
        while not self._arrived:
            if self._ended:
                raise StopAsyncIteration
            self._waiter = Deferred()
            await self._waiter
        self._taken = self._arrived.popleft()
        return self._taken[0]

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.callback(None)


class Subscriptions:
    """All subscriptions of a client, by topic or pattern."""

    _log = Logger()

    def __init__(self) -> None:
        self._subscriptions: dict[str, Subscription] = {}
        self._waiting: set[int] = set()
        self._done: OrderedDict[int, float] = OrderedDict()

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._subscriptions.values())

    def add(self, topic: str, since: float | None) -> Subscription:
        """Add a subscription.

        :raises ValueError: when there is one to the same topic or pattern.
        """
        if topic in self._subscriptions:
            raise ValueError(f"there is a subscription to {topic} already; use that, or end it first")
        subscription = self._subscriptions[topic] = Subscription(topic, since, self._release)
        return subscription

    def remove(self, topic: str) -> None:
        """End a subscription, if there is one."""
        subscription = self._subscriptions.pop(topic, None)
        if subscription is not None:
            subscription.end()

    def delivered(self, connection: Connection, message: Delivered) -> None:
        """Pass a message on to its subscriber; a copy of one that was acknowledged is acknowledged again."""
        subscription = self._subscriptions.get(message.pattern or message.topic)
        if subscription is None:
            return
        if message.number is not None:
            if self._done.get(message.number) == message.at:
                connection.send(Acknowledge(None, message.number))
                return
            if message.number in self._waiting:
                return
            self._waiting.add(message.number)
        subscription.arrive((message, connection))

    def forgotten(self, number: int) -> None:
        """Forget a message that will not come again."""
        self._done.pop(number, None)

    def serve(self, subscription: Subscription, handler: Handler) -> None:
        """Let a handler take what comes, one message after the other."""
        Deferred.fromCoroutine(self._serve(subscription, handler))

    async def _serve(self, subscription: Subscription, handler: Handler) -> None:
        async for message in subscription:
            try:
                outcome = handler(message)
                if isawaitable(outcome):
                    await outcome
            except Exception:
                subscription.give_up()
                self._log.failure("a handler of {topic} failed, so nothing is acknowledged", topic=subscription.topic)

    def _release(self, arrival: _Arrival, done: bool) -> None:
        """Acknowledge a message that is done with, or let it come again."""
        message, connection = arrival
        if message.number is None:
            return
        self._waiting.discard(message.number)
        if done:
            self._done[message.number] = message.at
            if len(self._done) > _MOST_REMEMBERED:
                self._done.popitem(last=False)
            connection.send(Acknowledge(None, message.number))
