"""Calls that a program answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.broker.commands import Answer
from pkid.broker.payload import Payload
from pkid.line.client.connection import Connection
from pkid.line.client.errors import CallFailed
from pkid.line.client.payloads import as_payload
from pkid.line.events import Invoked

__all__ = ["Answerer", "Exposures"]

Answerer = Callable[[Invoked], Awaitable[Payload | bytes | str | None] | Payload | bytes | str | None]
"""Takes a call, and returns its answer, at once or later; it may raise :class:`~pkid.line.client.errors.CallFailed`."""

_FAILED = "whoever exposes this failed"


class Exposures:
    """The topics that a client exposes, and the calls that it is answering."""

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._answerers: dict[str, Answerer] = {}
        self._running: dict[tuple[Connection, int], Deferred[None]] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics."""
        return tuple(self._answerers)

    def add(self, topic: str, answerer: Answerer) -> None:
        """Add a topic.

        :raises ValueError: when it is exposed already.
        """
        if topic in self._answerers:
            raise ValueError(f"{topic} is exposed already; end that first")
        self._answerers[topic] = answerer

    def remove(self, topic: str) -> None:
        """Remove a topic, if it is exposed; calls that are being answered go on."""
        self._answerers.pop(topic, None)

    def invoked(self, connection: Connection, call: Invoked) -> None:
        """Answer a call, as long as that is of use."""
        key = connection, call.number
        connection.begin_answer()
        work = self._running[key] = Deferred.fromCoroutine(self._answer(connection, call))
        work.addTimeout(call.seconds, self._clock)
        work.addErrback(_over)
        work.addBoth(lambda _: self._done(key))

    def withdrawn(self, connection: Connection, number: int) -> None:
        """Stop answering a call."""
        work = self._running.get((connection, number))
        if work is not None:
            work.cancel()

    def lost(self, connection: Connection) -> None:
        """Stop answering what came over a connection."""
        for of, number in list(self._running):
            if of is connection:
                self.withdrawn(connection, number)

    def _done(self, key: tuple[Connection, int]) -> None:
        self._running.pop(key, None)
        key[0].end_answer()

    async def _answer(self, connection: Connection, call: Invoked) -> None:
        payload, failed = await self._outcome(call)
        connection.send(Answer(None, call.number, payload, len(payload.data), failed))

    async def _outcome(self, call: Invoked) -> tuple[Payload, bool]:
        answerer = self._answerers.get(call.topic)
        if answerer is None:
            return as_payload(_FAILED), True
        try:
            answer = answerer(call)
            return as_payload(await answer if isawaitable(answer) else answer), False
        except CallFailed as failure:
            return failure.payload, True
        except CancelledError:
            raise
        except Exception:
            self._log.failure("the call of {topic} failed", topic=call.topic)
            return as_payload(_FAILED), True


def _over(failure: Failure) -> None:
    """Have an answer that is of no use any more be none."""
    failure.trap(CancelledError, TimeoutError)
