"""One exchange with whoever answers: everything has a limit, and what goes wrong is told in a sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionLost, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from zope.interface import implementer

from pkid.agent.contexts import UnverifiedClient
from pkid.agent.exchange import exchange
from pkid.answers import Answer, BadAnswer
from pkid.exchange import Request, Unreachable
from pkid.origin import Origin
from tests.agent.case import AgentCase, Impostor
from tests.scripted import http

TIMEOUT = timedelta(seconds=10)
KIB = 1024


@implementer(IStreamClientEndpoint)
class Failing:
    """Leads nowhere."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def connect(self, protocolFactory: object) -> Deferred[Any]:
        return fail(self._error)


class ExchangeTests(AgentCase):
    def ask(self, *steps: Any, body: bytes = b"", url: str = "https://core.example:8900") -> Deferred[Answer]:
        origin = Origin.of(url)
        self.impostor = Impostor(self.memory_core, *steps, plain=origin.scheme == "http")
        return self.ask_at(self.impostor.reach(origin.host, origin.port), Request("POST", "/x?y=z", body), origin)

    def ask_at(self, endpoint: IStreamClientEndpoint, request: Request, origin: Origin) -> Deferred[Answer]:
        tls = UnverifiedClient(origin.host)
        return self.begin(exchange(origin, request, endpoint, tls, TIMEOUT, self.clock))

    def refused(self, error: type[Exception], why: str, *steps: Any, **options: Any) -> Any:
        failure = self.failureResultOf(self.ask(*steps, **options), error)
        self.assertRegex(str(failure.value), why)
        self.assertTrue(str(failure.value).isprintable())
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [], "something is left behind")
        return failure.value

    def test_an_answer_is_status_headers_and_body(self) -> None:
        for url in ("https://core.example:8900", "http://core.example:8900"):
            sent = http(b"a body", 418, ("X-A", "1"), ("x-a", "2"))
            answer = self.successResultOf(self.ask(sent, body=b"sent", url=url))
            self.assertEqual((answer.status, answer.body), (418, b"a body"))
            self.assertEqual(answer.headers.get_all("X-A"), ["1", "2"])
            head, _, body = self.impostor.requests[0].partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"POST /x?y=z HTTP/1.1\r\n"))
            self.assertIn(b"\r\nHost: core.example:8900", head)
            self.assertEqual(body, b"sent")

    def test_each_exchange_has_a_connection_of_its_own(self) -> None:
        self.successResultOf(self.ask(http(b"a")))
        self.assertIn(b"\r\nConnection: close", self.impostor.requests[0])

    def test_nothing_is_unpacked_followed_or_kept(self) -> None:
        answer = self.successResultOf(
            self.ask(http(b"\x1f\x8b", 302, ("Location", "/y"), ("Content-Encoding", "gzip"), ("Set-Cookie", "a=b")))
        )
        self.assertEqual((answer.status, answer.body), (302, b"\x1f\x8b"))
        self.assertEqual(len(self.impostor.requests), 1)
        self.assertNotIn(b"ccept-", self.impostor.requests[0])

    def test_an_answer_of_64_kib_is_read_and_a_larger_one_is_not(self) -> None:
        self.assertEqual(len(self.successResultOf(self.ask(http(b"x" * 64 * KIB))).body), 64 * KIB)
        self.refused(BadAnswer, "more than 96 KiB", http(b"x" * 97 * KIB))

    def test_heads_without_end_are_not_read(self) -> None:
        line = b"X-Header: " + b"x" * 1000 + b"\r\n"
        self.refused(BadAnswer, "more than 96 KiB", b"HTTP/1.1 200 OK\r\n" + line * 200)
        self.refused(BadAnswer, "more than 96 KiB", b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000)

    def test_time_is_for_the_whole_answer(self) -> None:
        for begun in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nslow"):
            self.ends_in_time(begun, "https://core.example:8900")
            self.ends_in_time(begun, "http://core.example:8900")

    def ends_in_time(self, begun: bytes, url: str) -> None:
        connections: list[Any] = []

        def begin(connection: Any) -> None:
            connections.append(connection)
            connection.transport.write(begun)

        running = self.ask(begin, url=url)
        self.clock.advance(9.9)
        self.assertNoResult(running)
        self.clock.advance(0.1)
        failure = self.failureResultOf(running, Unreachable)
        self.assertIn("did not answer within 10 seconds", str(failure.value))
        self.clock.advance(0)
        self.assertIsNotNone(connections[0].lost, "the connection is still open")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_asks_no_more_leaves_nothing_behind(self) -> None:
        running = self.ask(lambda connection: None)
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_no_http_is_told(self) -> None:
        for answer in (b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"):
            self.refused(BadAnswer, "does not answer in HTTP/1.1", answer)

    def test_an_answer_that_ends_too_early_is_told(self) -> None:
        self.assertTrue(self.refused(Unreachable, "try again", b"").transient)
        self.assertTrue(self.refused(Unreachable, "try again", http(b"short", length=99)).transient)

    def test_a_server_without_tls_is_told(self) -> None:
        def hello(connection: Any) -> None:
            raise AssertionError("it saw a request")

        origin = Origin.of("https://core.example:8900")
        server = Impostor(self.memory_core, hello, plain=True)
        server.greeting = b"220 mail.example\r\n"
        failure = self.failureResultOf(self.ask_at(server.reach("", 0), Request("GET", "/"), origin), Unreachable)
        self.assertIn("does not speak TLS", str(failure.value))
        assert isinstance(failure.value, Unreachable)
        self.assertFalse(failure.value.transient)

    def test_connections_that_fail_are_told(self) -> None:
        origin = Origin.of("https://core.example:8900")
        for error, why in (
            (DNSLookupError("no results for hostname lookup: core.example"), "cannot be reached .DNS lookup failed"),
            (ConnectionLost(), "closed the connection"),
            (ValueError("invalid hostname: ä"), "cannot be reached .invalid hostname"),
        ):
            failure = self.failureResultOf(self.ask_at(Failing(error), Request("GET", "/"), origin), Unreachable)
            self.assertRegex(str(failure.value), why)

    def test_a_fault_is_not_taken_for_an_answer(self) -> None:
        origin = Origin.of("https://core.example:8900")
        running = self.ask_at(Failing(ZeroDivisionError()), Request("GET", "/"), origin)
        self.failureResultOf(running, ZeroDivisionError)
