"""Answers of any size: written no faster than the client reads, ended when it leaves, cut off when something fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from pkid.web.head import EVERY_ANSWER, date
from pkid.web.rendering import Answer
from pkid.web.request import BoundedRequest

__all__ = ["StreamedAnswer", "answer_in_chunks"]

_WHOLE = 16 * 1024  # bytes up to which an answer is sent whole, with its length
_STALLED = 60.0  # seconds that a client may read nothing


@dataclass(frozen=True, slots=True)
class StreamedAnswer(Answer):
    """A response whose body begins with ``body`` and goes on with chunks; its length is not known before its end."""

    chunks: AsyncGenerator[bytes, None] = field(kw_only=True)

    def write(self, request: BoundedRequest) -> Deferred[None]:
        """Send the response, and finish the request; fire when that is done."""
        return Deferred.fromCoroutine(self._write(request))

    async def _write(self, request: BoundedRequest) -> None:
        self._write_head(request)
        flow = _Flow(request.site.reactor)
        request.registerProducer(flow, True)
        request.write(self.body)
        async with aclosing(self.chunks) as chunks:
            async for chunk in chunks:
                await flow.ready()
                request.write(chunk)
        request.unregisterProducer()
        request.finish()

    def _write_head(self, request: BoundedRequest) -> None:
        """Prepare status and headers, which go out before the first bytes."""
        request.setResponseCode(self.status.value, self.status.phrase.encode())
        headers = request.responseHeaders
        for name, value in (*EVERY_ANSWER, ("Content-Type", self.content_type)):
            headers.setRawHeaders(name, [value])
        headers.setRawHeaders(b"Date", [date()])
        for name, value in self.headers:  # of which one may stand there several times
            headers.addRawHeader(name.encode("ascii"), value.encode("ascii"))


async def answer_in_chunks(chunks: AsyncGenerator[bytes, None], answer: Answer) -> Answer:
    """Return an answer with this body: a whole one if it is small.

    :param answer: all but its body.
    """
    gathered = b""
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) > _WHOLE:
            return StreamedAnswer(gathered, answer.status, answer.content_type, answer.headers, chunks=chunks)
    return Answer(gathered, answer.status, answer.content_type, answer.headers)


@implementer(IPushProducer)
class _Flow:
    """Knows whether the connection takes more.

    :param clock: for how long it takes nothing.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._paused = False
        self._waiting: Deferred[None] | None = None

    def ready(self) -> Deferred[None]:
        """Fire when the connection takes more; fail with ``TimeoutError`` when it takes nothing for a long time."""
        if not self._paused:
            return succeed(None)
        self._waiting = Deferred()
        return self._waiting.addTimeout(_STALLED, self._clock)

    def pauseProducing(self) -> None:
        """Wait: the client does not read as fast."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on."""
        self._paused = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)

    def stopProducing(self) -> None:
        """Do nothing: the page ends its work when the connection is lost."""
