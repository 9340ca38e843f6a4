"""The opening handshake of a WebSocket."""

from __future__ import annotations

from wsproto.handshake import H11Handshake

from pkid.errors import Malformed, Reason, Refused
from pkid.rembus.handshake import Handshake, refusal
from tests.support import Case

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1:19602\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: fbldw6BkZNjhOB7ci1atSg==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nUser-Agent: x\r\n\r\n"
)
"""As a client was recorded to send it."""


class HandshakeTests(Case):
    def test_a_recorded_request_is_answered_as_it_was(self) -> None:
        answered = Handshake().feed(REQUEST + b"first frame")
        assert answered is not None
        answer, rest = answered
        self.assertTrue(answer.startswith(b"HTTP/1.1 101 "))
        self.assertIn(b"\r\nSec-WebSocket-Accept: Ux54QZA+SQGYXBPP5k8hSmRbQLQ=\r\n", answer)
        self.assertEqual(rest, b"first frame")

    def test_no_extension_is_agreed_upon(self) -> None:
        answered = Handshake().feed(REQUEST)
        assert answered is not None
        self.assertNotIn(b"extensions", answered[0].lower())

    def test_a_request_may_come_byte_by_byte_and_to_any_path(self) -> None:
        handshake = Handshake()
        request = REQUEST.replace(b"GET /", b"GET /alice")
        answers = [handshake.feed(request[at : at + 1]) for at in range(len(request))]
        self.assertEqual([answer is None for answer in answers], [True] * (len(request) - 1) + [False])

    def test_something_else_is_refused(self) -> None:
        for request in (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"\r\n\r\n",
            REQUEST.replace(b"GET", b"POST"), REQUEST.replace(b"Version: 13", b"Version: 8"),
            REQUEST.replace(b"Host", b"Hose"), REQUEST.replace(b"Sec-WebSocket-Key", b"Sec-WebSocket-Kez"),
        ):  # fmt: skip
            self.assertRaises(Malformed, Handshake().feed, request)

    def test_bytes_that_a_library_cannot_decode_are_refused(self) -> None:
        for name in (b"Host", b"Connection", b"Sec-WebSocket-Extensions", b"Sec-WebSocket-Key", b"User-Agent"):
            request = REQUEST.replace(name + b": ", name + b": \xff")
            self.assertRaises(Malformed, Handshake().feed, request)
        self.assertRaises(Malformed, Handshake().feed, REQUEST.replace(b"Host: ", b"Host: xn--99999999."))

    def test_a_host_that_is_dear_to_decode_is_refused_in_whatever_form(self) -> None:
        for host in (b"Host: ", b"hOsT:", b"Host:\r\n "):
            request = REQUEST.replace(b"Host: ", host + b"xn--" + b"a" * 7000)
            self.patch(H11Handshake, "receive_data", lambda *_: self.fail("it was decoded"))
            self.assertRaises(Malformed, Handshake().feed, request)

    def test_a_web_page_is_refused(self) -> None:
        request = REQUEST.replace(b"User-Agent", b"oRIGIN")
        error = self.assertRaises(Refused, Handshake().feed, request)
        self.assertIs(error.reason, Reason.CROSS_ORIGIN)
        self.assertTrue(refusal(error).startswith(b"HTTP/1.1 403 "))

    def test_too_long_a_request_is_refused_before_it_ends(self) -> None:
        for request in (b"x" * 8193, REQUEST.replace(b"User-Agent: x", b"User-Agent: " + b"x" * 8192)):
            self.assertIs(self.assertRaises(Refused, Handshake().feed, request).reason, Reason.LIMIT)

    def test_a_frame_behind_the_request_may_be_longer_than_a_request(self) -> None:
        answered = Handshake().feed(REQUEST + bytes(10_000))
        assert answered is not None
        self.assertEqual(len(answered[1]), 10_000)

    def test_a_refusal_says_why(self) -> None:
        error = self.assertRaises(Malformed, Handshake().feed, b"\r\n\r\n")
        head, _, body = refusal(error).partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 400 "))
        self.assertIn(f"Content-Length: {len(body)}".encode(), head)
        self.assertIn(b"no request for a WebSocket", body)
