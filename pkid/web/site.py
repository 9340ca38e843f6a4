"""The site: the tree of resources, its limits, and the connections that it serves."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web import server
from twisted.web.http import Request

from pkid.web.channel import Channel
from pkid.web.rendering import Routes
from pkid.web.request import BoundedRequest

__all__ = ["Site", "Traffic", "Untold"]

_IDLE = 60  # seconds that a connection may be silent, its TLS handshake included


class Traffic(Protocol):
    """Is told what a site answers."""

    def answered(self, page: str, status: int, seconds: float) -> None:
        """Take note of an answer.

        :param page: the page's path, or ``other``.
        :param seconds: from the request's last byte to the answer's.
        """

    def refused(self, status: HTTPStatus) -> None:
        """Take note of a request that no page got to see, because it broke the rules of the connection."""


class Untold:
    """Traffic that nobody wants to know about."""

    def answered(self, page: str, status: int, seconds: float) -> None:
        """Do nothing."""

    def refused(self, status: HTTPStatus) -> None:
        """Do nothing."""


class Site(server.Site):
    """Serves pages over bounded connections, without an access log line per request.

    :param most_per_peer: connections that one peer may have at a time.
    :param traffic: is told what is answered.
    """

    protocol = Channel  # type: ignore[assignment]
    displayTracebacks = False
    _routes: Routes

    noisy = False

    def __init__(self, clock: IReactorTime, most_per_peer: int = 256, traffic: Traffic | None = None) -> None:
        super().__init__(None, BoundedRequest, parsePOSTFormSubmission=False, timeout=_IDLE, reactor=clock)
        self.channels: set[Channel] = set()
        self.traffic = traffic or Untold()
        self.accepted = 0
        """How many connections there were."""
        self.turned_away = 0
        """How many of them were cut because their peer had too many."""
        self._most_per_peer = most_per_peer
        self._connections: Counter[str] = Counter()
        self._empty: Deferred[None] | None = None

    def serve(self, routes: Routes) -> None:
        """Serve these pages from now on; a site must have some before its first connection."""
        self.resource = self._routes = routes

    @property
    def notices(self) -> tuple[str, ...]:
        """What every answer says is off."""
        return self._routes.notices

    def body_limit(self, uri: bytes) -> int:
        """Return how many bytes a body sent to this path (and query) may have."""
        return self._routes.page(uri.partition(b"?")[0]).body_limit

    def acceptableProtocols(self) -> list[bytes]:
        """Offer HTTP/1.1 only: HTTP/2 costs more, and nobody here needs it."""
        return [b"http/1.1"]

    def log(self, request: Request) -> None:
        """Tell of an answer, but write no access log: what is decided is logged where it is decided."""
        assert isinstance(request, BoundedRequest)
        seconds = self.reactor.seconds() - request.began
        self.traffic.answered(self._routes.name(request.path), request.code, seconds)

    def welcome(self, channel: Channel) -> bool:
        """Take note of a new connection; false when its peer has too many already."""
        self.channels.add(channel)
        self.accepted += 1
        self._connections[channel.peer] += 1
        welcome = self._connections[channel.peer] <= self._most_per_peer
        self.turned_away += not welcome
        return welcome

    def forget(self, channel: Channel) -> None:
        """Forget a connection that is gone."""
        self.channels.discard(channel)
        self._connections[channel.peer] -= 1
        if not self._connections[channel.peer]:
            del self._connections[channel.peer]
        if not self.channels and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def finish(self, patience: float) -> Deferred[None]:
        """Close idle connections at once and the others after their answer; fire when all are gone.

        :param patience: seconds after which what is left is cut.
        """
        gone: Deferred[None] = Deferred()
        if not self.channels:
            gone.callback(None)
            return gone
        self._empty = gone
        cut = self.reactor.callLater(patience, self._cut_all)
        gone.addBoth(lambda _: cut.cancel() if cut.active() else None)
        for channel in list(self.channels):
            channel.finish_soon()
        return gone

    def _cut_all(self) -> None:
        for channel in list(self.channels):
            channel.abort()
