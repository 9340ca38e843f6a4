"""HTTP connections that stay within limits before anything is buffered.

A body's limit depends on its path and holds before the first byte is kept; a request has one deadline for all of its
bytes; a refusal is sent, given time to arrive, and then the connection is cut without reading on.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from twisted.internet.interfaces import IAddress, IConsumer, IDelayedCall, IPushProducer, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from pkid.auth.fairness import peer_key
from pkid.web.request import BoundedRequest
from pkid.web.target import BadTarget, read_target
from pkid.web.threshold import NOTICE_HEADER
from pkid.web.timeout import LazyTimeout

if TYPE_CHECKING:
    from pkid.web.site import Site

__all__ = ["Channel"]

_EMPTY_LINE = (b"", b"\r", b"\n", b"\r\n")
"""What old clients send behind a body, whole or in pieces; a server takes no notice of it (RFC 9112, section 2.2)."""

_REQUEST_DEADLINE = 30.0  # seconds from a request's first line to its last byte
_LINGER = 1.0  # seconds that a refusal has to arrive, before unread bytes make the kernel reset the connection
_FAREWELL = 5.0  # seconds that a last answer has to arrive, and the peer of a TLS connection to take leave


class _Transport(ITCPTransport, IPushProducer, IConsumer):
    """What a connection of this door is written to and cut by."""


class Channel(LazyTimeout, HTTPChannel):
    """One connection of the HTTPS door, HTTP/1.1."""

    requestFactory = BoundedRequest
    site: Site
    address: str
    """The address of the other end, an IPv4 address in its own form; a Unix socket has none."""
    peer: str
    """Who is at the other end, as :func:`~pkid.auth.fairness.peer_key` tells peers apart."""
    suspect = False
    """Whether the last credential that came by this connection was refused."""
    _refused = False
    _finishing = False
    _answering = False  # whether a request is complete and its answer is not
    _cut: IDelayedCall | None = None
    _deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Let the site know of this connection, and cut it if its peer has too many."""
        self.clock = self.site.reactor
        super().connectionMade()
        self._ends = self._tcp().getPeer(), self._tcp().getHost()
        self.address = str(getattr(self._ends[0], "host", "local")).removeprefix("::ffff:")
        self.peer = peer_key(self.address)
        if not self.site.welcome(self):
            self._refused = True
            self.abort()

    def getPeer(self) -> IAddress:
        """Return the address of the other end, which stays the same; Twisted asks for each request."""
        return self._ends[0]

    def getHost(self) -> IAddress:
        """Return the address of this end."""
        return self._ends[1]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Let the site forget this connection; what would hold it until Python looks for garbage lets go of it."""
        self._cancel_deadline()
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
        super().connectionLost(reason)
        self.cancel_alarm()
        self._tcp().unregisterProducer()
        self._transferDecoder = None
        self.site.forget(self)

    def dataReceived(self, data: bytes) -> None:
        """Take bytes, unless the connection was refused."""
        if self._refused:
            return
        super().dataReceived(data)
        if not self._answering and (self.requests or self._buffer not in _EMPTY_LINE):
            self._start_deadline()

    def rawDataReceived(self, data: bytes) -> None:
        """Take bytes of a body, unless the connection was refused."""
        if not self._refused:
            super().rawDataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line that does not end."""
        self.refuse(HTTPStatus.BAD_REQUEST)

    def headerReceived(self, line: bytes) -> bool:
        """Take a header; refuse a ``Content-Length`` with more digits than Python converts."""
        try:
            return bool(super().headerReceived(line))
        except ValueError:
            self.refuse(HTTPStatus.BAD_REQUEST)
            return False

    def allHeadersReceived(self) -> None:
        """Refuse a head that leaves something open, and a body that says that it is too large, before it is read."""
        request = self.requests[-1]
        if not self._settle_head(request):
            self.refuse(HTTPStatus.BAD_REQUEST)
            return
        if self.length != 0:
            request.body_limit = self.site.body_limit(self._path)
        if self.length is not None and self.length > request.body_limit:
            self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """Hand the complete request over."""
        self._cancel_deadline()
        if self._refused:
            return
        self._answering = True
        if self._early_bytes() not in _EMPTY_LINE:
            # Who does not wait for answers may not read them either: this one is the last.
            self._answer_last()
        super().allContentReceived()

    def requestDone(self, request: BoundedRequest) -> None:
        """Take the next request, but not while the peer does not read what it was sent."""
        self._answering = False
        super().requestDone(request)
        if self._waitingForTransport:
            self._tcp().pauseProducing()

    def checkPersistence(self, request: BoundedRequest, version: bytes) -> bool:
        """Tell whether another request may follow this one: not on a connection that is being closed."""
        if self._finishing:
            request.setHeader("Connection", "close")
            return False
        if version == b"HTTP/1.1" and b"Connection" not in request.sent:
            return True
        return bool(super().checkPersistence(request, version))

    def loseConnection(self) -> None:
        """Close the connection; cut it later if the peer leaves the farewell of TLS without an answer."""
        super().loseConnection()
        self._cut_after(_FAREWELL)

    def is_idle(self) -> bool:
        """Tell whether no request is being read or answered."""
        return not self.requests

    def is_refused(self) -> bool:
        """Tell whether nothing more is read from this connection."""
        return self._refused

    def finish_soon(self) -> None:
        """Close the connection: now when it is idle, else after the answer that is due."""
        self._answer_last()
        if self.is_idle():
            self._cut_after(_LINGER)
            self.loseConnection()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._tcp().abortConnection()

    def refuse(self, status: HTTPStatus) -> None:
        """Answer with an error, once, read nothing more, and cut the connection a moment later."""
        if self._refused:
            return
        self._refused = True
        self.site.traffic.refused(status)
        self._cancel_deadline()
        self.setTimeout(None)
        self.setRawMode()  # so that no line is looked at any more
        body = f"{status.value}: {status.phrase}"
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n"
        )
        head += "".join(f"{NOTICE_HEADER}: {notice}\r\n" for notice in self.site.notices)
        transport = self._tcp()
        transport.write(f"{head}\r\n{body}".encode())
        transport.pauseProducing()
        self._cut_after(_LINGER)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Answer what cannot be parsed as every other refusal; Twisted calls this."""
        self.refuse(HTTPStatus.BAD_REQUEST)

    def _settle_head(self, request: BoundedRequest) -> bool:
        """Tell whether the head says what the request is for and how its body ends; keep its target as a path."""
        request.sent = sent = dict(request.requestHeaders.getAllRawHeaders())
        hosts = sent.get(b"Host", [])
        try:
            self._path, host = read_target(self._path, hosts, self._version)
        except BadTarget:
            return False
        if host is not None and host not in hosts:
            request.requestHeaders.setRawHeaders(b"Host", [host])
        codings = sent.get(b"Transfer-Encoding")
        return codings is None or all(coding.lower() == b"chunked" for coding in codings)

    def _early_bytes(self) -> bytes:
        """Return what came behind the request that is complete now."""
        return b"".join([*self._dataBuffer, self._buffer])

    def _tcp(self) -> _Transport:
        """Return the transport, which TLS wraps but does not hide."""
        return cast("_Transport", self.transport)

    def _overdue(self) -> None:
        self._deadline = None
        self.refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _answer_last(self) -> None:
        """Close the connection after the answer that is due."""
        self._finishing, self.persistent = True, False
        for request in self.requests:
            request.setHeader("Connection", "close")

    def _cut_after(self, seconds: float) -> None:
        if self._cut is None:
            self._cut = self.callLater(seconds, self._abort)

    def _abort(self) -> None:
        self._cut = None
        self.abort()

    def _start_deadline(self) -> None:
        if self._deadline is None and not self._finishing and not self._refused:
            self._deadline = self.callLater(_REQUEST_DEADLINE, self._overdue)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
