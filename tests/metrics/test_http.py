"""Answers are counted by page and class of status, and timed."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from pkid.metrics.http import HTTPTraffic
from tests.metrics.scrape import Scrape
from tests.support import Case
from tests.web.memory import Connection, Door, bearer, request


class HTTPTrafficTests(Case):
    def setUp(self) -> None:
        self.registry = CollectorRegistry()
        traffic = HTTPTraffic(self.registry)
        self.door = Door(traffic=traffic, most_per_peer=2)
        traffic.expect(self.door.routes.names)

    def send(self, *pieces: bytes) -> Connection:
        connection = self.door.connect()
        connection.send(*pieces)
        return connection

    def answered(self, page: str, status: str) -> float | None:
        return Scrape(self.registry).value("pkid_http_requests_total", page=page, status=status)

    def test_every_page_begins_at_nought(self) -> None:
        for page in ("/ca/sign", "/system/ready", "other"):
            for status in ("2xx", "4xx", "5xx"):
                self.assertEqual(self.answered(page, status), 0)

    def test_answers_are_counted(self) -> None:
        self.send(request("GET", "/system/ping?x=1"), request("POST", "/system/ping"))
        self.assertEqual((self.answered("/system/ping", "2xx"), self.answered("/system/ping", "4xx")), (1, 1))

    def test_a_page_is_the_same_whichever_key_a_path_selects(self) -> None:
        self.send(request("GET", "/psk/default/system/ping"), request("GET", "/psk/other/system/ping"))
        self.assertEqual((self.answered("/system/ping", "2xx"), self.answered("other", "4xx")), (1, 1))

    def test_paths_of_callers_are_no_pages(self) -> None:
        self.send(request("GET", "/a%22b"), request("GET", "/c", Authorization=bearer()))
        self.assertEqual(self.answered("other", "4xx"), 2)
        self.assertIsNone(self.answered("/c", "4xx"))

    def test_an_answer_is_timed_from_the_end_of_the_request(self) -> None:
        self.door.store.hold()
        connection = self.door.connect()
        head = request("GET", "/system/ready")
        connection.send(head[:-1])
        self.door.clock.advance(20)
        connection.send(head[-1:])
        self.door.clock.advance(0.3)
        self.door.store.release()
        self.assertEqual(connection.statuses, [200])
        seen = Scrape(self.registry)
        self.assertAlmostEqual(seen.value("pkid_http_request_seconds_sum", page="/system/ready") or 0, 0.3)
        self.assertEqual(seen.value("pkid_http_request_seconds_bucket", page="/system/ready", le="0.5"), 1)
        self.assertEqual(seen.value("pkid_http_request_seconds_bucket", page="/system/ready", le="0.1"), 0)

    def test_requests_that_no_page_gets_to_see(self) -> None:
        self.send(b"POST /ca/sign HTTP/1.1\r\nHost: core\r\nContent-Length: 99999999\r\n\r\n")
        self.send(b"nonsense\r\n\r\n")
        seen = Scrape(self.registry)
        self.assertEqual(seen.value("pkid_http_refused_total", status="413"), 1)
        self.assertEqual(seen.value("pkid_http_refused_total", status="400"), 1)

    def test_connections_that_are_one_too_many(self) -> None:
        for _ in range(3):
            self.door.connect()
        self.assertEqual((self.door.site.accepted, self.door.site.turned_away), (3, 1))

    def test_a_status_of_another_class_is_counted_all_the_same(self) -> None:
        assert self.door.traffic is not None
        self.door.traffic.answered("/system/ping", 304, 0.1)
        self.assertEqual(self.answered("/system/ping", "3xx"), 1)
