"""One HTTP exchange with the core on the reactor, with a limit to everything.

Knows connections, TLS and HTTP/1.1; must not know what is asked or what the answer means, and never tries twice.
Redirects and proxies are not followed, no cookies are kept, nothing is unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPMessage
from typing import NoReturn

from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import (
    IConsumer,
    IOpenSSLClientConnectionCreator,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    Agent,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from pkid.agent.bounded import BoundedEndpoint
from pkid.answers import Answer, BadAnswer, CoreError
from pkid.ca.trust import TrustError
from pkid.exchange import Request, Unreachable
from pkid.origin import Origin

__all__ = ["exchange"]

_LARGEST_ANSWER = 96 * 1024
"""Bytes that an answer may have, with its head: a stranger may be sending it."""

_FAILURES = (
    ConnectError,
    ConnectionClosed,
    DNSLookupError,
    PotentialDataLoss,
    RequestTransmissionFailed,
    ResponseFailed,
    SSL.Error,
    TrustError,
    ValueError,  # of a host name that cannot be one
)
"""What Twisted's client fails with, other than by a fault; the first causes may be held inside."""


async def exchange(
    origin: Origin,
    request: Request,
    endpoint: IStreamClientEndpoint,
    tls: IOpenSSLClientConnectionCreator,
    timeout: timedelta,
    clock: IReactorTime,
) -> Answer:
    """Send a request and read the whole answer.

    :param endpoint: leads to the origin, without TLS.
    :param tls: makes the TLS connection, if the origin has TLS.
    :param timeout: for all of it, the connection included.
    :raises Unreachable: when there is no connection, or it breaks, or time is up.
    :raises UntrustedServer: when *tls* does not trust the server.
    :raises BadAnswer: when the answer is no HTTP, or larger than 96 KiB.
    """

    def time_is_up(result: object, seconds: float) -> NoReturn:
        raise Unreachable(f"{origin} did not answer within {seconds:g} seconds; try again")

    whole = endpoint if origin.scheme == "http" else wrapClientTLS(tls, endpoint, clock)
    bounded = BoundedEndpoint(whole, _LARGEST_ANSWER)
    running = Deferred.fromCoroutine(_exchange(origin, request, bounded, clock))
    return await running.addTimeout(timeout.total_seconds(), clock, time_is_up)


async def _exchange(origin: Origin, request: Request, endpoint: BoundedEndpoint, clock: IReactorTime) -> Answer:
    agent = Agent.usingEndpointFactory(clock, _OneEndpoint(endpoint))
    headers = Headers({name: [value] for name, value in request.headers})
    sent = _Body(request.body) if request.body else None
    try:
        response = await agent.request(request.method.encode(), f"{origin}{request.path}".encode(), headers, sent)
        response.deliverBody(body := _Content())
        content = await body.whole
    except _FAILURES as error:
        if endpoint.exceeded:
            raise BadAnswer(
                f"{origin} answered with more than {_LARGEST_ANSWER // 1024} KiB; see that it is a core"
            ) from None
        if any(isinstance(cause, CancelledError) for cause in _causes(error)):
            raise CancelledError from None
        raise _meaning(origin, error) from None
    finally:
        endpoint.abort()
    return Answer(response.code, _message(response), content)


def _message(response: IResponse) -> HTTPMessage:
    """Return the headers in the form of :class:`pkid.answers.Answer`."""
    message = HTTPMessage()
    for name, values in response.headers.getAllRawHeaders():
        for value in values:
            message[name.decode("latin-1")] = value.decode("latin-1")
    return message


def _meaning(origin: Origin, error: Exception) -> CoreError | TrustError:
    """Say what an error of the connection means."""
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case TrustError() | CoreError():
                return cause
            case SSL.Error():
                what = f"{origin} does not speak TLS as pkid does, or not with us ({_reason(cause)})"
                return Unreachable(f"{what}; see that the scheme and the port are the core's", transient=False)
            case DNSLookupError() | ConnectError() | ValueError() if cause is error:
                why = str(cause).rstrip(".")
                return Unreachable(f"{origin} cannot be reached ({why}); see that the core is running there")
            case PotentialDataLoss():
                return Unreachable(f"{origin} ended its answer too early; try again")
    if any(isinstance(cause, ConnectionClosed) for cause in causes):
        return Unreachable(f"{origin} closed the connection before its answer was complete; try again")
    return BadAnswer(f"{origin} does not answer in HTTP/1.1 ({type(causes[-1]).__name__}); see that it is a core")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error of Twisted's client and the reasons that it holds, down to the first ones."""
    yield error
    for failure in getattr(error, "reasons", ()):
        yield from _causes(failure.value)


def _reason(error: SSL.Error) -> str:
    stack = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return stack[0][2] if stack else type(error).__name__


@implementer(IAgentEndpointFactory)
class _OneEndpoint:
    """Leads Twisted's client to one endpoint, wherever it wants to go."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        return self._endpoint


class _Content(Protocol):
    """Gathers the body of an answer.

    :ivar whole: fires with all of it.
    """

    def __init__(self) -> None:
        self.whole: Deferred[bytes] = Deferred()
        self._pieces: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        self._pieces.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if reason.check(ResponseDone):
            self.whole.callback(b"".join(self._pieces))
        else:
            self.whole.errback(reason)


@implementer(IBodyProducer)
class _Body:
    """A small body, sent at once."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Do nothing: all is sent."""

    def resumeProducing(self) -> None:
        """Do nothing: all is sent."""

    def stopProducing(self) -> None:
        """Do nothing: all is sent."""
