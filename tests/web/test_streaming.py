"""Large answers: page by page, as fast as the client reads, and never complete when something is missing."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred

from pkid.auth.credentials import Right
from pkid.commands.command import Call, Command, Output
from pkid.commands.filters import FILTERS
from pkid.commands.help import with_help
from pkid.commands.interpreter import Interpreter
from pkid.errors import Reason, Unavailable
from pkid.inventory.order import Order
from pkid.inventory.results import Item, Results
from pkid.web.cli import ExecutePage
from pkid.web.rendering import Routes
from tests.support import Case
from tests.web.memory import Connection, Door, request
from tests.web.test_cli import Everybody

PAGE = ["x" * 999] * 100
"""A page of a hundred kilobytes: more than is sent whole."""


@dataclass
class HeldPages(Results):
    """Pages that come when a test gives them."""

    held: list[Deferred[list[Item]]]
    counted: Deferred[int] = field(default_factory=Deferred)
    asked: int = 0

    async def pages(self) -> AsyncIterator[Sequence[Item]]:
        for page in self.held:
            self.asked += 1
            yield await page

    async def count(self) -> int:
        return await self.counted

    async def tally(self, field: str) -> tuple[Mapping[Any, int], int]:
        raise NotImplementedError

    def head(self, number: int) -> Results:
        raise NotImplementedError

    async def tail(self, number: int) -> Results:
        raise NotImplementedError

    async def sort(self, order: Order) -> Results:
        raise NotImplementedError


def decode(chunked: bytes) -> bytes:
    """Read a chunked body (RFC 9112, 7.1) as far as it goes."""
    body = b""
    while match := re.match(rb"([0-9a-f]+)\r\n", chunked):
        size = int(match[1], 16)
        body, chunked = body + chunked[match.end() : match.end() + size], chunked[match.end() + size + 2 :]
    return body


class StreamCase(Case):
    def setUp(self) -> None:
        self.door = Door()
        self.connections: list[Connection] = []
        self.results = HeldPages([Deferred() for _ in range(4)])

        async def run(call: Call) -> Output:
            return Output(results=self.results)

        command = Command(name="pages", info="give pages", right=Right.READ, run=run)
        page = ExecutePage(Everybody(), Interpreter(with_help([command, *FILTERS])))
        self.door.site.serve(Routes({"/cli/execute": page}, page, self.door.keyring))

    def ask(self, accept: bytes = b"text/plain", text: bytes = b"pages", version: bytes = b"1.1") -> Connection:
        connection = self.door.connect()
        asked = request("POST", "/cli/execute", text, Content_Type=b"text/plain", Accept=accept)
        connection.send(asked.replace(b"HTTP/1.1", b"HTTP/" + version))
        self.connections.append(connection)
        self.addCleanup(self.leave, connection)
        return connection

    def leave(self, connection: Connection) -> None:
        """End a connection, once."""
        if connection in self.connections:
            self.connections.remove(connection)
            connection.leave()

    def give(self, page: int, items: list[Item] | None = None) -> None:
        self.results.held[page].callback(list(PAGE) if items is None else items)

    def give_all(self) -> None:
        self.results.counted.callback(400)
        for page in range(4):
            self.give(page)

    def head(self, connection: Connection) -> bytes:
        return connection.received.partition(b"\r\n\r\n")[0]

    def body(self, connection: Connection) -> bytes:
        return decode(connection.received.partition(b"\r\n\r\n")[2])


class FormTests(StreamCase):
    def test_each_form(self) -> None:
        for accept, start, end in (
            (b"text/plain", b"xxx", b"xxx\n"),
            (b"application/json", b'[\n"xxx', b'xxx"\n]\n'),
            (b"application/x-ndjson", b'"xxx', b'xxx"\n'),
            (b"text/yaml", b'---\n"xxx', b'xxx"\n'),
        ):
            self.results = HeldPages([Deferred() for _ in range(4)])
            self.give_all()
            connection = self.ask(accept)
            head, body = self.head(connection), self.body(connection)
            self.assertIn(b"Transfer-Encoding: chunked", head)
            self.assertNotIn(b"Content-Length", head)
            self.assertIn(b"Result-Count: 400", head)
            self.assertTrue(body.startswith(start) and body.endswith(end), accept)
            self.assertEqual(body.count(b"x" * 999), 400)
            self.assertTrue(connection.received.endswith(b"\r\n0\r\n\r\n"))
            if accept == b"application/json":
                self.assertEqual(json.loads(body), PAGE * 4)

    def test_a_small_answer_has_its_length(self) -> None:
        self.results = HeldPages([Deferred() for _ in range(2)])
        connection = self.ask()
        self.give(0, ["a"])
        self.give(1, ["b"])
        self.assertIn(b"Content-Length: 4", self.head(connection))
        self.assertIn(b"Result-Count: 2", self.head(connection))
        self.assertTrue(connection.received.endswith(b"\r\n\r\na\nb\n"))

    def test_parts_are_streamed_too(self) -> None:
        connection = self.ask(text=b"help | head 1; pages; help | head 1".replace(b" | head 1", b""))
        self.give_all()
        body = self.body(connection)
        self.assertEqual(body.count(b"--cli-part\r\n"), 3)
        self.assertTrue(body.endswith(b"\r\n--cli-part--\r\n"))
        self.assertEqual(body.count(b"x" * 999), 400)

    def test_no_part_begins_like_a_boundary(self) -> None:
        connection = self.ask(text=b"pages; help | tail 1")
        for page in range(4):
            self.give(page, ["--cli-part--"])
        self.assertEqual(connection.received.count(b"\r\n--cli-part--"), 1)
        self.assertIn(b"\r\n\r\n --cli-part--\n--cli-part--\n", connection.received)

    def test_the_next_request_on_the_connection(self) -> None:
        connection = self.ask()
        self.give_all()
        self.results = HeldPages([])
        connection.send(request("POST", "/cli/execute", b"pages", Content_Type=b"text/plain"))
        self.assertEqual(connection.statuses, [200, 200])

    def test_an_old_client_reads_until_the_end(self) -> None:
        connection = self.ask(version=b"1.0")
        self.give_all()
        self.assertNotIn(b"chunked", self.head(connection))
        self.assertTrue(connection.received.endswith(b"x\n"))
        self.assertTrue(connection.wire.disconnecting)


class PaceTests(StreamCase):
    def test_the_first_page_leaves_before_the_second_is_there(self) -> None:
        connection = self.ask()
        self.results.counted.callback(400)
        self.assertEqual(connection.received, b"")
        self.give(0)
        self.assertEqual(self.body(connection).count(b"x" * 999), 100)
        self.assertEqual(self.results.asked, 2)

    def test_a_slow_count_is_left_out(self) -> None:
        connection = self.ask()
        self.give(0)
        self.assertEqual(connection.received, b"")
        self.door.clock.advance(0.02)
        self.assertNotIn(b"Result-Count", self.head(connection))
        self.assertEqual(connection.statuses, [200])

    def test_a_count_that_fails_is_left_out(self) -> None:
        connection = self.ask()
        self.results.counted.errback(Unavailable(Reason.SEARCH))
        self.give(0)
        self.assertNotIn(b"Result-Count", self.head(connection))

    def test_nothing_is_written_or_read_while_the_client_does_not_read(self) -> None:
        connection = self.ask()
        self.results.counted.callback(400)
        self.give(0)
        assert connection.wire.producer is not None
        connection.wire.producer.pauseProducing()
        for page in (1, 2, 3):
            self.give(page)
        self.assertEqual((self.body(connection).count(b"x" * 999), self.results.asked), (100, 2))
        connection.wire.producer.resumeProducing()
        self.assertEqual(self.body(connection).count(b"x" * 999), 400)
        self.assertTrue(connection.received.endswith(b"\r\n0\r\n\r\n"))

    def test_who_reads_nothing_for_a_minute_is_cut_off(self) -> None:
        connection = self.ask()
        self.results.counted.callback(400)
        self.give(0)
        assert connection.wire.producer is not None
        connection.wire.producer.pauseProducing()
        self.give(1)
        self.door.clock.advance(59)
        self.assertFalse(connection.wire.aborted)
        self.door.clock.advance(1)
        self.assertTrue(connection.wire.aborted)


class EndTests(StreamCase):
    def test_an_error_before_the_first_page_is_an_answer(self) -> None:
        connection = self.ask()
        self.results.held[0].errback(Unavailable(Reason.SLOW_SEARCH, "5 seconds"))
        self.assertEqual(connection.statuses, [503])
        self.assertIn(b"Error: slow-search", connection.received)

    def test_an_error_midway_cuts_the_connection(self) -> None:
        connection = self.ask()
        self.results.counted.callback(400)
        self.give(0)
        self.results.held[1].errback(Unavailable(Reason.SEARCH))
        self.assertTrue(connection.wire.aborted)
        self.assertFalse(connection.received.endswith(b"0\r\n\r\n"))
        self.assertEqual(connection.statuses, [200])

    def test_a_client_that_leaves_ends_the_work(self) -> None:
        for given in (0, 1, 2):
            cancelled: list[Deferred[list[Item]]] = []
            self.results = HeldPages([Deferred(cancelled.append) for _ in range(4)])
            self.results.counted.callback(400)
            connection = self.ask()
            for page in range(given):
                self.give(page)
            self.leave(connection)
            self.assertEqual(cancelled, [self.results.held[given]])
            self.assertEqual(self.results.asked, given + 1)

    def test_a_client_that_leaves_while_it_does_not_read(self) -> None:
        connection = self.ask()
        self.results.counted.callback(400)
        self.give(0)
        assert connection.wire.producer is not None
        connection.wire.producer.pauseProducing()
        self.give(1)
        self.leave(connection)
        self.assertEqual((self.results.asked, self.door.clock.getDelayedCalls()), (2, []))
