"""A core that is trusted, to which commands are sent.

Knows how trust begins and how a request proves who sends it; must not know what is shown of an answer.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from pkid.answers import clock_offset
from pkid.client import bound_request
from pkid.exchange import Request, Response, opened
from pkid.origin import Origin

__all__ = ["Core"]

_LARGEST_INFO = 4 << 20  # bytes


@dataclass(slots=True)
class Core:
    """One core.

    :ivar context: trusts the core's CA and no other.
    :ivar psk: the pre-shared key; empty for a core that asks for none.
    :ivar timeout: for connection and head of an answer, and then for each piece of it.
    :ivar now: gives the wall-clock time in seconds since the epoch.
    """

    origin: Origin
    context: ssl.SSLContext
    psk: str = field(repr=False)
    timeout: timedelta
    now: Callable[[], float] = time.time
    _offset: float = 0.0

    @contextmanager
    def execute(self, text: str, accept: str) -> Iterator[Response]:
        """Send command lines, and yield the answer, which may be a refusal; it ends with the block.

        :param accept: the content type to answer in.
        :raises CoreError: when the core cannot be asked.
        :raises TrustError: when somebody else answers.
        """
        headers = (("Content-Type", "text/plain; charset=utf-8"), ("Accept", accept))
        with self._asked(
            Request("POST", self.origin.at("/cli/execute"), text.encode("utf-8", "surrogateescape"), headers)
        ) as response:
            yield response

    def describe(self) -> bytes:
        """Return what the core tells of its commands, as JSON; nothing if it tells nothing.

        :raises CoreError: when the core cannot be asked.
        :raises TrustError: when somebody else answers.
        """
        with self._asked(Request("GET", self.origin.at("/cli/info"))) as response:
            return response.whole(_LARGEST_INFO).body if response.status == HTTPStatus.OK else b""

    @contextmanager
    def _asked(self, request: Request) -> Iterator[Response]:
        """Ask; a token that was not accepted is replaced once, by one that is made by the core's clock.

        Nothing was run in that case, so that asking again does nothing twice.
        """
        with opened(self.origin, self._proved(request), self.context, self.timeout) as response:
            if response.status != HTTPStatus.UNAUTHORIZED or not self.psk:
                yield response
                return
            self._offset = clock_offset(response.whole(), self.now())
        with opened(self.origin, self._proved(request), self.context, self.timeout) as response:
            yield response

    def _proved(self, request: Request) -> Request:
        return bound_request(request, self.psk, self.now() + self._offset) if self.psk else request
