"""A request of the HTTPS door: its body is kept in memory within a limit, its answer goes out in one piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING

from twisted.python.failure import Failure
from twisted.web.server import Request

if TYPE_CHECKING:
    from pkid.web.channel import Channel
    from pkid.web.site import Site

__all__ = ["BoundedRequest"]


class BoundedRequest(Request):
    """A request whose body is kept in memory, up to the limit of its path.

    :ivar channel: its connection, until it is answered or the caller leaves.
    """

    channel: Channel
    site: Site
    content: BytesIO
    body_limit = 0
    """Bytes that its body may have."""
    sent: Mapping[bytes, Sequence[bytes]] = MappingProxyType({})
    """The headers that came, by their names as :class:`twisted.web.http_headers.Headers` writes them."""
    began = 0.0
    """When it was complete, in seconds of the site's clock."""
    peer = "local"
    """The address that it came from, an IPv4 address in its own form; a Unix socket has none."""
    give_up: Callable[[], object] | None = None
    """Ends the work for its answer, when the caller leaves."""
    _size = 0
    _left = False

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self.content.getvalue()

    def parseCookies(self) -> None:
        """Read no cookies: they mean nothing here."""

    def gotLength(self, length: int | None) -> None:
        """Keep the body in memory, never in a file: its limit is small."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a piece of the body, or refuse the request when it grows too large."""
        self._size += len(data)
        if self.channel.is_refused():
            return
        if self._size > self.body_limit:
            self.channel.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self.content.write(data)

    def process(self) -> None:
        """Answer the request, which is complete now; there is one tree of pages, and none but its root looks at a path.

        Twisted calls this.
        """
        channel = self.channel
        self.site, self.peer = channel.site, channel.address
        self.began = self.site.reactor.seconds()
        try:
            self.site.resource.render(self)
        except Exception:
            self.processingFailed(Failure())

    def send(self, status: HTTPStatus, head: bytes, body: bytes) -> None:
        """Send a whole answer and finish the request; nothing is sent to who left.

        :param head: the rest of the status line behind the version, and lines of headers; to them come those of
            ``responseHeaders``.
        """
        if self._left:
            return
        self.code, self.startedWriting, self.sentLength = status, True, len(body)
        more = self.responseHeaders.getAllRawHeaders()
        lines = [b"%b: %b\r\n" % (name, value) for name, values in more for value in values]
        content = b"" if self.method == b"HEAD" else body
        self.channel.write(b"".join([self.clientproto, head, *lines, b"\r\n", content]))
        self.finish()

    def connectionLost(self, reason: Failure) -> None:
        """Work no longer for who left."""
        self._left = True
        super().connectionLost(reason)
        if self.give_up is not None:
            self.give_up()
