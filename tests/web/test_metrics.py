"""``GET /metrics``: who may see it, and in which form."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from pkid.errors import Reason, Unavailable
from pkid.metrics.exposition import OPENMETRICS, TEXT, Exposition
from pkid.selftest import SelfTest
from pkid.web.metrics import MetricsPage, UnprotectedMetricsPage
from pkid.web.rendering import NotFound, Routes
from tests.support import Case
from tests.web.memory import Connection, Door, bearer, request

READER = {"email": "a@example.com", "roles": "readonly"}


class MetricsPageTests(Case):
    def setUp(self) -> None:
        self.door = Door()
        registry = CollectorRegistry()
        ready = Gauge("ready", "Whether it is.", registry=registry)
        tests = SelfTest(self.door.authority, self.door.store, lambda: None, self.door.clock)
        exposition = Exposition(registry, lambda: tests.passes(2).addCallback(ready.set))
        pages = {
            "/metrics": MetricsPage(self.door.guard, exposition),
            "/open": UnprotectedMetricsPage(exposition),
        }
        self.door.site.serve(Routes(pages, NotFound(self.door.guard), self.door.keyring))

    def ask(self, path: str, **headers: bytes) -> Connection:
        connection = self.door.connect()
        connection.send(request("GET", path, **headers))
        return connection

    def test_strangers_do_not_see_it(self) -> None:
        self.assertEqual(self.ask("/metrics").statuses, [401])

    def test_who_may_read_sees_it(self) -> None:
        self.assertIn(b"\nready 1.0\n", self.ask("/metrics", Authorization=bearer(**READER)).received)

    def test_who_may_not_read_does_not(self) -> None:
        nobody = bearer(email="a@example.com", roles="")
        self.assertEqual(self.ask("/metrics", Authorization=nobody).statuses, [403])

    def test_everybody_sees_the_unprotected_one(self) -> None:
        self.assertEqual(self.ask("/open").statuses, [200])

    def test_the_form_is_the_one_asked_for(self) -> None:
        self.assertIn(TEXT.encode(), self.ask("/open").received)
        self.assertIn(OPENMETRICS.encode(), self.ask("/open", Accept=b"application/openmetrics-text").received)

    def test_a_core_that_is_not_ready_says_so(self) -> None:
        self.door.store.fail_next(Unavailable(Reason.STORE))
        self.assertIn(b"\nready 0.0\n", self.ask("/open").received)

    def test_a_core_that_hangs_says_so_after_two_seconds(self) -> None:
        self.door.store.hold()
        connection = self.ask("/open")
        self.door.clock.advance(1.9)
        self.assertEqual(connection.statuses, [])
        self.door.clock.advance(0.2)
        self.assertIn(b"\nready 0.0\n", connection.received)
