"""How much work the HTTPS door makes of a request, counted, for seconds depend on the machine."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from types import SimpleNamespace
from unittest.mock import Mock

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.web.http import HTTPChannel, Request
from twisted.web.resource import Resource
from twisted.web.server import Site

from pkid import audit
from pkid.ca.authority import Order
from pkid.ca.keys import KeyType
from pkid.ca.ledger import Entry
from pkid.ca.policy import ANY_NAME
from pkid.issuance import Issuance
from pkid.web import guard
from tests.certificates import csr_pem, private_key
from tests.support import Case
from tests.web.memory import Door, Wire, bearer, request


class DoorWorkTests(Case):
    """What the HTTPS door itself does for a request, beside a page of twisted.web that does nothing."""

    def setUp(self) -> None:
        self.patch(
            audit, "_log", SimpleNamespace(observer=lambda event: None)
        )  # who observes the log in a test is no part of it
        self.door = Door()
        self.client = self.door.connect()
        self.order = request("POST", "/ca/sign", csr_pem(private_key(KeyType.RSA2048)), Authorization=bearer())

    def calls(self, channel: HTTPChannel, asked: bytes, work: Callable[[], object] = lambda: None) -> int:
        """Return how many function calls a request takes, once all that is remembered is known."""
        profile = cProfile.Profile()
        for run in (lambda function, *given: function(*given), profile.runcall):
            run(channel.dataReceived, asked)
            run(work)
        return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]

    def bare(self, asked: bytes) -> int:
        """Return how many calls twisted.web alone takes for this request."""
        self.client.send(self.order)
        channel = BareSite(BarePage(self.client.received.partition(b"\r\n\r\n")[2]), reactor=Clock()).buildProtocol(
            None
        )
        assert channel is not None
        channel.makeConnection(Wire())
        return self.calls(channel, asked)

    def test_an_order_costs_less_than_1_8_times_the_calls_of_a_bare_page(self) -> None:
        bare = self.bare(self.order)
        pending: list[Deferred[Entry]] = []
        entries: list[Entry] = []
        order = Order(csr_pem(), "psk:default", ANY_NAME)
        Issuance(self.door.authority, self.door.store).order(order).addCallback(entries.append)

        def wait(issuance: Issuance, _: Order) -> Deferred[Entry]:
            pending.append(Deferred())
            return pending[-1]

        self.patch(Issuance, "order", wait)
        calls = self.calls(self.client.channel, self.order, lambda: pending.pop().callback(entries[0]))
        self.assertEqual(self.client.statuses, [200, 200, 200])
        self.assertLess(calls / bare, 1.8)

    def test_the_pages_for_everybody_cost_less_than_a_bare_page(self) -> None:
        for path in ("/ca/cert", "/system/ping"):
            asked = request("GET", path)
            self.assertLess(self.calls(self.client.channel, asked), self.bare(asked))

    def test_a_token_that_is_not_bound_costs_no_digest_of_the_body(self) -> None:
        digest = Mock()
        self.patch(guard, "body_digest", digest)
        self.client.send(self.order)
        self.assertEqual((self.client.statuses, digest.call_count), ([200], 0))


class BarePage(Resource):
    """Answers every request with the same bytes."""

    isLeaf = True

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    def render(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", b"application/x-pem-file")
        return self._body


class BareSite(Site):
    """A site without an access log."""

    def log(self, request: Request) -> None:
        """Write nothing."""
