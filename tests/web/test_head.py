"""What stands in front of the body of an answer."""

from __future__ import annotations

import time
from http import HTTPStatus

from pkid.web.head import Header, date, response_head
from pkid.web.rendering import Answer
from pkid.web.request import BoundedRequest
from pkid.web.system import PingPage
from tests.support import Case
from tests.web.memory import Door, request


def lines(status: HTTPStatus = HTTPStatus.OK, *headers: Header) -> list[bytes]:
    """Return the lines of a head, in the order of the alphabet."""
    return sorted(response_head(status, "text/x", headers, 7).split(b"\r\n"))


class ResponseHeadTests(Case):
    def setUp(self) -> None:
        self.patch(time, "time", lambda: 0.5)

    def test_what_every_answer_says(self) -> None:
        common = [
            b"",
            b" 200 OK",
            b"Cache-Control: no-store",
            b"Content-Length: 7",
            b"Content-Type: text/x",
            b"Date: Thu, 01 Jan 1970 00:00:00 GMT",
            b"Server: pkid",
            b"X-Content-Type-Options: nosniff",
        ]
        self.assertEqual(lines(), common)
        self.assertEqual(lines(HTTPStatus.OK, ("A", "b"), ("A", "c")), sorted([*common, b"A: b", b"A: c"]))

    def test_no_content_has_no_length(self) -> None:
        self.assertNotIn(b"Content-Length: 7", lines(HTTPStatus.NO_CONTENT))

    def test_a_header_cannot_begin_another(self) -> None:
        for name, value in (("A", "b\r\nSet-Cookie: c"), ("A", "b\n"), ("A", "b\rc"), ("A\r\nB", "c"), ("A", "\u00e9")):
            with self.assertRaises(ValueError):
                lines(HTTPStatus.OK, (name, value))

    def test_the_date_is_that_of_its_second(self) -> None:
        before = date()
        self.patch(time, "time", lambda: 0.9)
        self.assertIs(date(), before)
        self.patch(time, "time", lambda: 1.0)
        self.assertEqual(date(), b"Thu, 01 Jan 1970 00:00:01 GMT")

    def test_a_head_that_cannot_be_written_is_an_error_of_the_core(self) -> None:
        self.patch(PingPage, "prompt", prompt_badly)
        client = Door().connect()
        client.send(request("GET", "/system/ping"))
        self.assertEqual(client.statuses, [500])
        self.assertNotIn(b"Set-Cookie", client.received)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


def prompt_badly(page: PingPage, request: BoundedRequest) -> Answer:
    return Answer(b"pong", headers=(("A", "b\r\nSet-Cookie: c"),))
