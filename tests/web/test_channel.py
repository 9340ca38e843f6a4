"""What a connection accepts, for how long, and how it ends."""

from __future__ import annotations

import tempfile
from unittest.mock import Mock

from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher

from pkid.auth.tokens import body_digest
from tests.certificates import NOON, csr_pem, make_token
from tests.support import Case
from tests.web.memory import CA_PEM, Connection, Door, bearer, request

PING = request("GET", "/system/ping")
LIMIT = 64 * 1024
TOO_LARGE = b"413: Request Entity Too Large"


def chunked(*chunks: bytes, path: str = "/ca/sign") -> bytes:
    """Write a request with these chunks, and no last one."""
    return request("POST", path, Transfer_Encoding=b"chunked") + b"".join(
        b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks
    )


class ChannelCase(Case):
    def setUp(self) -> None:
        self.patch(tempfile, "TemporaryFile", Mock(side_effect=AssertionError("a file for a body")))
        self.events = EventLoggingObserver()
        globalLogPublisher.addObserver(self.events)
        self.addCleanup(globalLogPublisher.removeObserver, self.events)
        self.door = Door()
        self.client = self.door.connect()

    def tearDown(self) -> None:
        for channel in list(self.door.site.channels):
            Connection(channel, self.client.wire).leave()
        self.assertEqual(self.door.clock.getDelayedCalls(), [])

    def is_refused(self, status: int, client: Connection | None = None) -> None:
        """Check that the client was told once, is heard no more, and is cut when the answer had time to arrive."""
        client = client or self.client
        self.assertEqual(client.statuses[-1:], [status])
        self.assertIn(b"\r\nConnection: close\r\n", client.received)
        self.assertEqual(client.wire.producerState, "paused")
        told = client.received
        client.send(b"x" * LIMIT, PING)
        self.assertEqual((client.received, client.wire.aborted), (told, False))
        self.assertLess(held(client), LIMIT)
        self.door.clock.advance(1)
        self.assertTrue(client.wire.aborted)
        self.assertEqual([event for event in self.events if event.get("log_failure")], [])


def held(client: Connection) -> int:
    """Count the bytes that the connection holds for later."""
    channel = client.channel
    return len(channel._buffer) + sum(map(len, channel._dataBuffer))


class BodyTests(ChannelCase):
    def test_a_declared_length_over_the_limit_is_refused_before_the_body(self) -> None:
        head = request("POST", "/ca/sign", Content_Length=b"%d" % (LIMIT + 1), Expect=b"100-continue")
        self.client.send(head)
        self.assertEqual(self.client.received.partition(b"\r\n\r\n")[2], TOO_LARGE)
        self.assertNotIn(b"100 Continue", self.client.received)
        self.is_refused(413)

    def test_a_body_of_exactly_the_limit_is_judged(self) -> None:
        head = request("POST", "/ca/sign", Content_Length=b"%d" % LIMIT, Expect=b"100-continue")
        self.client.send(head)
        self.assertEqual(self.client.received, b"HTTP/1.1 100 Continue\r\n\r\n")
        self.client.send(b"x" * LIMIT)
        self.assertEqual(self.client.statuses, [100, 401])

    def test_chunks_over_the_limit(self) -> None:
        self.client.send(chunked(b"x" * LIMIT))
        self.assertEqual(self.client.received, b"")
        self.client.send(b"1\r\nx\r\n")
        self.is_refused(413)

    def test_one_enormous_chunk(self) -> None:
        self.client.send(request("POST", "/ca/sign", Transfer_Encoding=b"chunked"), b"40000000\r\n", b"x" * LIMIT)
        self.assertEqual(self.client.received, b"")
        self.client.send(b"x")
        self.is_refused(413)

    def test_chunks_up_to_the_limit_are_one_body(self) -> None:
        pem = csr_pem()
        head = request("POST", "/ca/sign", Transfer_Encoding=b"chunked", Authorization=bearer())
        self.client.send(head, *(b"1\r\n%c\r\n" % byte for byte in pem), b"0\r\n\r\n")
        self.assertEqual(self.client.statuses, [200])

    def test_what_came_in_part_is_never_acted_upon(self) -> None:
        """Whatever ended the connection: TLS does not tell whether its peer had more to say."""
        pem = csr_pem()
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(pem), pem)
        by_length = request("POST", "/ca/sign", pem, Authorization=bearer())
        by_chunks = request("POST", "/ca/sign", Transfer_Encoding=b"chunked", Authorization=bearer()) + chunks
        for whole in (by_length, by_chunks):
            for end in range(len(whole)):
                client = self.door.connect()
                client.send(whole[:end])
                client.leave()
                self.assertEqual((client.received, self.door.store.entries), (b"", []), whole[:end])
        self.client.send(by_chunks)
        self.assertEqual((self.client.statuses, len(self.door.store.entries)), ([200], 1))

    def test_the_end_of_a_connection_is_not_the_end_of_a_body(self) -> None:
        """It was that of an answer's in HTTP/1.0; a request says how long its body is, or it has none."""
        head = request("POST", "/ca/sign", Authorization=bearer()).replace(b"HTTP/1.1", b"HTTP/1.0")
        self.client.send(head)
        self.assertIn(b" 400 ", self.client.received.partition(b"\r\n")[0])
        self.client.send(csr_pem())
        self.client.leave()
        self.assertEqual(self.door.store.entries, [])

    def test_too_much_and_malformed_at_once_is_refused_once(self) -> None:
        self.client.send(chunked(b"x" * (LIMIT + 1)) + b"nonsense\r\n")
        self.assertEqual(self.client.statuses, [413])
        self.is_refused(413)

    def test_the_limit_depends_on_the_path(self) -> None:
        for path in ("/ca/cert", "/system/ping", "/nowhere", "/ca/sign/", "/CA/SIGN", "https://core/ca/cert"):
            client = self.door.connect()
            client.send(request("POST", path, Content_Length=b"4097"))
            self.is_refused(413, client)

    def test_a_query_or_an_absolute_target_does_not_change_the_limit(self) -> None:
        for target in ("/ca/sign?a=b", "https://core/ca/sign", "https://core/ca/sign?a=b"):
            client = self.door.connect()
            client.send(request("POST", target, Content_Length=b"%d" % LIMIT))
            self.assertEqual(client.received, b"")

    def test_forms_are_not_parsed(self) -> None:
        form = b"application/x-www-form-urlencoded"
        self.client.send(request("POST", "/ca/sign", b"a=b&c=%41", Content_Type=form))
        self.client.send(request("POST", "/ca/sign", b"--x\r\n", Content_Type=b"multipart/form-data; boundary=x"))
        self.assertEqual(self.client.statuses, [401, 401])


class HeadTests(ChannelCase):
    def test_malformed_heads(self) -> None:
        length = b"POST /ca/sign HTTP/1.1\r\nContent-Length: %b\r\n%b\r\n"
        for head in (
            b"nonsense\r\n",
            b"GET /system/ping\r\n",
            b"GET  /system/ping HTTP/1.1\r\n",
            b"GET /system/ping HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET /system/ping HTTP/1.1\r\nNul: \0\r\n\r\n",
            b"GET /system/ping HTTP/1.1\r\nspace : x\r\n\r\n",
            b"GET /system/ping HTTP/1.1\r\n\r\n",
            b"GET /system/ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET system/ping HTTP/1.1\r\nHost: core\r\n\r\n",
            b"GET ftp://core/system/ping HTTP/1.1\r\nHost: core\r\n\r\n",
            request("POST", "/ca/sign", Transfer_Encoding=b"identity"),
            request("POST", "/ca/sign", b"x", Transfer_Encoding=b"identity"),
            length % (b"-1", b""),
            length % (b"0x10", b""),
            length % (b"+5", b""),
            length % (b"5", b"Content-Length: 6\r\n"),
            length % (b"5", b"Transfer-Encoding: chunked\r\n"),
            length % (b"9" * 5000, b""),
            length % (b"9" * 5000, b"Host: core\r\n"),
            b"POST /ca/sign HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            request("POST", "/ca/sign", Transfer_Encoding=b"chunked") + b"no number\r\n",
            request("POST", "/ca/sign", Transfer_Encoding=b"chunked") + b"1\r\nxxx",
            request("POST", "/ca/sign", Transfer_Encoding=b"chunked") + b"1;" + b"e" * 2000,
        ):
            client = self.door.connect()
            client.send(head)
            self.assertEqual(client.statuses, [400], head[:60])
            self.is_refused(400, client)

    def test_a_line_without_an_end(self) -> None:
        for start in (b"GET /", b"GET /system/ping HTTP/1.1\r\nX: "):
            client = self.door.connect()
            client.send(start, *[b"x" * 1000] * 20)
            self.is_refused(400, client)

    def test_too_many_headers(self) -> None:
        for head in (b"a: b\r\n" * 501, (b"a: " + b"b" * 100 + b"\r\n") * 200):
            client = self.door.connect()
            client.send(b"GET /system/ping HTTP/1.1\r\n" + head)
            client.send(b"\r\n")
            self.is_refused(400, client)

    def test_only_the_head_of_an_answer(self) -> None:
        self.client.send(request("HEAD", "/ca/cert"))
        head, _, body = self.client.received.partition(b"\r\n\r\n")
        self.assertEqual(body, b"")
        self.assertIn(b"Content-Length: %d\r\n" % len(CA_PEM), head)

    def test_methods_in_lower_case_are_other_methods(self) -> None:
        self.client.send(request("get", "/ca/cert"))
        self.assertEqual(self.client.statuses, [405])

    def test_old_http_gets_one_answer(self) -> None:
        self.client.send(b"GET /system/ping HTTP/1.0\r\n\r\n")
        self.assertEqual(self.client.statuses, [])
        self.assertTrue(self.client.received.endswith(b"\r\n\r\npong"))
        self.assertTrue(self.client.wire.disconnecting)


class DeadlineTests(ChannelCase):
    def drip(self, *pieces: bytes, seconds: float = 29.9) -> None:
        """Send pieces, evenly over that time."""
        for piece in pieces:
            self.client.send(piece)
            self.door.clock.advance(seconds / len(pieces))

    def test_a_slow_head(self) -> None:
        self.drip(*[b"%c" % byte for byte in PING[:-1]])
        self.assertEqual(self.client.received, b"")
        self.door.clock.advance(0.2)
        self.is_refused(408)

    def test_a_slow_body(self) -> None:
        self.drip(request("POST", "/ca/sign", Content_Length=b"100"), *[b"x"] * 50)
        self.assertEqual(self.client.received, b"")
        self.door.clock.advance(0.2)
        self.is_refused(408)

    def test_a_slow_start_that_came_while_one_was_answered(self) -> None:
        self.door.store.hold()
        self.client.send(request("GET", "/system/ready"), b"GET /system/ping HTTP/1.1\r\n")
        self.door.store.release()
        self.assertEqual(self.client.statuses, [200])
        self.drip(*[b"a: b\r\n"] * 51)
        self.door.clock.advance(0.2)
        self.is_refused(408)

    def test_a_request_in_time_leaves_no_deadline_behind(self) -> None:
        self.drip(PING[:5], PING[5:])
        self.door.clock.advance(29)
        self.client.send(PING)
        self.assertEqual((self.client.statuses, self.client.wire.disconnecting), ([200, 200], False))

    def test_a_silent_connection_is_closed(self) -> None:
        self.door.clock.advance(59)
        self.assertFalse(self.client.wire.disconnecting)
        self.door.clock.advance(1)
        self.assertTrue(self.client.wire.disconnecting)

    def test_a_connection_that_falls_silent_is_closed(self) -> None:
        self.client.send(PING)
        self.door.clock.advance(59)
        self.client.send(PING)
        self.door.clock.advance(59)
        self.assertFalse(self.client.wire.disconnecting)
        self.door.clock.advance(1)
        self.assertTrue(self.client.wire.disconnecting)

    def test_waiting_for_the_answer_is_not_silence(self) -> None:
        self.door.store.hold()
        self.client.send(request("GET", "/system/ready"))
        self.door.clock.advance(1000)
        self.door.store.release()
        self.assertEqual((self.client.statuses, self.client.wire.disconnecting), ([200], False))

    def test_a_peer_that_does_not_take_leave_is_cut(self) -> None:
        self.client.send(request("GET", "/system/ping", Connection=b"close"))
        self.assertTrue(self.client.wire.disconnecting)
        self.door.clock.advance(4)
        self.assertFalse(self.client.wire.aborted)
        self.door.clock.advance(1)
        self.assertTrue(self.client.wire.aborted)


class PipelineTests(ChannelCase):
    def is_last(self, *statuses: int) -> None:
        self.assertEqual(self.client.statuses, list(statuses))
        self.assertIn(b"\r\nConnection: close\r\n", self.client.received)
        self.assertTrue(self.client.wire.disconnecting)

    def test_who_does_not_wait_for_an_answer_gets_no_other(self) -> None:
        self.client.send(PING * 2000)
        self.is_last(200)

    def test_an_empty_line_behind_a_body_is_nothing(self) -> None:
        for behind in ((b"\r\n",), (b"\r", b"\n"), (b"", b"\r\n")):
            client = self.door.connect()
            client.send(request("POST", "/ca/sign", b"body") + behind[0], *behind[1:], PING)
            self.assertEqual((client.statuses, client.wire.disconnecting), ([401, 200], False), behind)

    def test_an_empty_line_on_an_idle_connection_starts_no_deadline(self) -> None:
        self.client.send(PING, b"\r\n")
        self.door.clock.advance(59)
        self.client.send(PING)
        self.assertEqual((self.client.statuses, self.client.wire.disconnecting), ([200, 200], False))

    def test_more_than_one_empty_line_is_no_request(self) -> None:
        self.client.send(PING, b"\r\n\r\n")
        self.is_refused(400)

    def test_nor_after_one_that_takes_time(self) -> None:
        self.door.store.hold()
        self.client.send(request("GET", "/system/ready") + PING * 400)
        self.door.store.release()
        self.is_last(200)

    def test_what_comes_while_one_is_answered_is_answered_next(self) -> None:
        self.door.store.hold()
        self.client.send(request("GET", "/system/ready"), PING)
        self.assertEqual(self.client.received, b"")
        self.door.store.release()
        self.assertEqual(self.client.statuses, [200, 200])
        self.assertIn(b"ok", self.client.received.partition(b"pong")[0])

    def test_a_peer_that_does_not_read_is_not_read_from(self) -> None:
        self.client.send(PING)
        self.client.channel.pauseProducing()
        self.client.send(PING)
        self.assertEqual(self.client.wire.producerState, "paused")
        self.client.channel.resumeProducing()
        self.assertEqual(self.client.wire.producerState, "producing")

    def test_what_follows_a_request_that_waits_is_not_read_without_end(self) -> None:
        self.door.store.hold()
        self.client.send(request("GET", "/system/ready"), *[b"x" * 1024] * 17)
        self.assertEqual(self.client.wire.producerState, "paused")

    def test_nothing_after_the_last_request(self) -> None:
        self.client.send(request("GET", "/system/ping", Connection=b"close") + PING)
        self.assertEqual(self.client.statuses, [200])

    def test_a_bad_request_behind_a_good_one(self) -> None:
        self.client.send(PING, b"nonsense\r\n\r\n")
        self.assertEqual(self.client.statuses, [200, 400])
        self.is_refused(400)


class TargetTests(ChannelCase):
    def test_the_absolute_form_finds_the_same_page(self) -> None:
        for target in ("http://core/system/ping", "https://other:8900/system/ping?a=b"):
            self.client.send(request("GET", target))
        self.assertEqual(self.client.statuses, [200, 200])

    def test_its_host_counts(self) -> None:
        self.client.send(request("POST", "https://other/ca/sign", Content_Length=b"1"))
        (incoming,) = self.client.channel.requests
        self.assertEqual(incoming.requestHeaders.getRawHeaders(b"Host"), [b"other"])

    def test_a_token_is_bound_to_the_path_alone(self) -> None:
        noon = NOON.timestamp()
        claims = {"htm": "GET", "htp": "/model?a", "htd": body_digest(b""), "iat": noon, "jti": "1"}
        token = make_token(claims, expires_at=noon + 60)
        self.client.send(request("GET", "https://core/model?a", Authorization=b"Bearer " + token))
        self.assertEqual(self.client.statuses, [200])


class AsteriskTests(ChannelCase):
    def test_the_server_as_a_whole_is_no_open_page(self) -> None:
        self.client.send(request("OPTIONS", "*"), request("OPTIONS", "*", Authorization=bearer()))
        self.assertEqual(self.client.statuses, [401, 404])
