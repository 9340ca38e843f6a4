"""One exchange has an end, whatever the other side does."""

from __future__ import annotations

import contextlib
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid import exchange as exchanges
from pkid.answers import Answer, BadAnswer
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.request import read_request
from pkid.exchange import (
    Request,
    Response,
    Unreachable,
    UntrustedServer,
    exchange,
    opened,
    unverified_context,
    verified_context,
)
from pkid.origin import Origin
from tests.certificates import SERIAL, csr_pem, private_key, profile
from tests.scripted import Scripted, drip, http, scripted, silence
from tests.support import Case

LONG, SHORT = timedelta(seconds=20), timedelta(seconds=0.3)


def ask(server: Scripted, context: ssl.SSLContext | None = None, timeout: timedelta = LONG) -> Answer:
    """Send a request to a server."""
    request = Request("POST", "/path?x=1", b"body", (("X-Name", "value"),))
    return exchange(Origin.of(server.url), request, context or unverified_context(), timeout)


class OriginTests(Case):
    def test_is_read_from_an_address(self) -> None:
        for text, origin in (
            ("https://core.example:8900", ("https", "core.example", 8900)),
            ("https://core.example/", ("https", "core.example", 443)),
            ("http://192.0.2.1", ("http", "192.0.2.1", 80)),
            ("https://[2001:db8::1]:8900", ("https", "2001:db8::1", 8900)),
        ):
            self.assertEqual(Origin.of(text), Origin(*origin))
            self.assertEqual(Origin.of(str(Origin.of(text))), Origin(*origin))

    def test_a_pre_shared_key_may_be_selected(self) -> None:
        for text in ("https://core.example/psk/autumn", "https://core.example/psk/autumn/"):
            origin = Origin.of(text)
            self.assertEqual((str(origin), origin.at("/ca/cert")), ("https://core.example:443", "/psk/autumn/ca/cert"))
            self.assertEqual(Origin.of(origin.address), origin)
        self.assertEqual(Origin.of("https://core.example/").at("/ca/cert"), "/ca/cert")

    def test_anything_else_is_refused_by_name(self) -> None:
        for text in (
            "", "core.example:8900", "core.example", "ftp://core.example", "https://", "https://core.example/path",
            "https://core.example/psk/", "https://core.example/psk/a/b", "https://core.example/psk/../x",
            "https://core.example?x", "https://core.example#x", "https://user@core.example", "https://a b",
            "https://core.example:x", "https://core.example:99999", "https://[::1",
        ):  # fmt: skip
            with self.assertRaisesRegex(ValueError, "is not the address of a core; write it as https://HOST:PORT"):
                Origin.of(text)


class ExchangeTests(Case):
    def test_a_whole_answer_comes_back(self) -> None:
        with scripted(http(b"content", 403, ("X-Other", "other"))) as server:
            answer = ask(server)
        self.assertEqual((answer.status, answer.headers["x-other"], answer.body), (403, "other", b"content"))
        head, body = server.requests[0].split(b"\r\n\r\n")
        self.assertEqual(head.splitlines()[0], b"POST /path?x=1 HTTP/1.1")
        self.assertIn(b"X-Name: value", head.splitlines())
        self.assertEqual(body, b"body")

    def test_an_answer_without_a_length_ends_with_the_connection(self) -> None:
        with scripted(b"HTTP/1.1 200 OK\r\n\r\ncontent") as server:
            self.assertEqual(ask(server).body, b"content")

    def test_redirects_are_not_followed(self) -> None:
        with scripted(http(b"", 302, ("Location", "/elsewhere")), http(b"elsewhere")) as server:
            self.assertEqual(ask(server).status, 302)
        self.assertEqual(len(server.requests), 1)

    def test_64_kib_are_read_and_no_more(self) -> None:
        most = b"x" * 65536
        with scripted(http(most), http(most + b"x"), b"HTTP/1.1 200 OK\r\n\r\n" + 2 * most) as server:
            self.assertEqual(ask(server).body, most)
            for _ in range(2):
                with self.assertRaisesRegex(BadAnswer, "more than 64 KiB"):
                    ask(server)

    def test_a_promise_of_more_is_not_waited_for(self) -> None:
        def endless(connection: socket.socket, request: bytes) -> None:
            connection.sendall(http(b"x" * 65537, length=10**12))
            silence(connection, request)

        with scripted(endless) as server:
            self.assertRaises(BadAnswer, ask, server)

    def test_a_truncated_answer_is_none(self) -> None:
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\ncontent"
        for answer in (http(b"content", length=8), chunked):
            with (
                scripted(answer) as server,
                self.assertRaisesRegex(Unreachable, "ended its answer too early") as caught,
            ):
                ask(server)
            self.assertTrue(caught.exception.transient)

    def test_a_connection_that_ends_without_an_answer_may_be_tried_again(self) -> None:
        with scripted(b"") as server:
            with self.assertRaisesRegex(Unreachable, "cannot be reached") as caught:
                ask(server)
            self.assertTrue(caught.exception.transient)
        with self.assertRaisesRegex(Unreachable, "Connection refused") as caught:
            ask(server)
        self.assertTrue(caught.exception.transient)

    def test_time_is_up_however_the_answer_drips(self) -> None:
        for step in (silence, drip):
            with scripted(step) as server, self.assertRaisesRegex(Unreachable, "within 0.3 seconds") as caught:
                ask(server, timeout=SHORT)
            self.assertTrue(caught.exception.transient)

    def test_what_is_not_http_is_no_core(self) -> None:
        with scripted(b"220 mail.example ESMTP\r\n") as server, self.assertRaises(BadAnswer):
            ask(server)

    def test_a_name_that_cannot_be_looked_up_is_told(self) -> None:
        with self.assertRaisesRegex(Unreachable, "has no name that can be looked up") as caught:
            ask(Scripted(f"http://{'a' * 64}.example"))
        self.assertFalse(caught.exception.transient)


class OpenedTests(Case):
    """An answer that is read piece by piece."""

    def pieces(self, *answers: bytes) -> list[bytes]:
        with scripted(*answers) as server, self.open(server) as response:
            return list(iter(response.read, b""))

    def open(self, server: Scripted) -> contextlib.AbstractContextManager[Response]:
        return opened(Origin.of(server.url), Request("GET", "/"), unverified_context(), LONG)

    def test_it_is_there_before_its_end_has_come(self) -> None:
        read = Event()

        def slow(connection: socket.socket, request: bytes) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            if read.wait(10):
                connection.sendall(b"6\r\nsecond\r\n0\r\n\r\n")

        with scripted(slow) as server, self.open(server) as response:
            self.assertEqual((response.status, response.read()), (200, b"first"))
            read.set()
            self.assertEqual((response.read(), response.read(), response.read()), (b"second", b"", b""))

    def test_it_may_be_large_and_comes_in_bounded_pieces(self) -> None:
        body = b"x" * 300_000
        for answer in (http(body), b"HTTP/1.1 200 OK\r\n\r\n" + body, chunked(body)):
            pieces = self.pieces(answer)
            self.assertEqual(b"".join(pieces), body)
            self.assertLessEqual(max(map(len, pieces)), 65536)

    def test_each_piece_has_the_time_anew(self) -> None:
        now = [0.0]
        self.patch(exchanges, "monotonic", lambda: now[0])
        with scripted(http(b"x" * 200_000)) as server, self.open(server) as response:
            size = 0
            while piece := response.read():
                size += len(piece)
                now[0] += LONG.total_seconds() - 1
        self.assertEqual(size, 200_000)
        self.assertGreater(now[0], LONG.total_seconds())

    def test_a_silent_server_is_left_in_time(self) -> None:
        def half(connection: socket.socket, request: bytes) -> None:
            connection.sendall(http(b"half", length=8))
            silence(connection, request)

        with scripted(half) as server:
            with opened(Origin.of(server.url), Request("GET", "/"), unverified_context(), SHORT) as response:
                self.assertEqual(response.read(), b"half")
                with self.assertRaisesRegex(Unreachable, "within 0.3 seconds"):
                    response.read()

    def test_what_breaks_off_is_told_as_that(self) -> None:
        for answer in (http(b"half", length=8), chunked(b"half")[:-5], chunked(b"half")[:-9]):
            with self.assertRaisesRegex(Unreachable, "ended its answer too early"):
                self.pieces(answer)

    def test_the_readers_own_errors_are_left_alone(self) -> None:
        with scripted(http(b"content")) as server, self.assertRaises(BrokenPipeError), self.open(server):
            raise BrokenPipeError

    def test_a_reader_who_leaves_closes_the_connection(self) -> None:
        left = Event()

        def wait(connection: socket.socket, request: bytes) -> None:
            connection.sendall(http(b"half", length=8))
            if connection.recv(1) == b"":
                left.set()

        with scripted(wait) as server:
            with self.open(server) as response:
                response.read()
            self.assertTrue(left.wait(10))

    def test_the_whole_of_it_has_a_limit_of_the_readers(self) -> None:
        with scripted(http(b"1234"), http(b"12345")) as server:
            with self.open(server) as response:
                self.assertEqual(response.whole(4).body, b"1234")
            with self.open(server) as response, self.assertRaises(BadAnswer):
                response.whole(4)


def chunked(body: bytes) -> bytes:
    """Write an answer whose length is not told in advance."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


class TLSTests(Case):
    """Real time here: OpenSSL asks no other clock."""

    def setUp(self) -> None:
        self.now = datetime.now(UTC)
        self.issuer = make_root(private_key(owner="authority"), self.now, SERIAL)
        self.directory = Path(self.mktemp())
        self.directory.mkdir(parents=True)

    def server_context(self, *names: str, issuer: Issuer | None = None) -> ssl.SSLContext:
        return server_context(issuer or self.issuer, self.directory, *names)

    def test_each_of_several_authorities_is_trusted(self) -> None:
        other = make_root(private_key(owner="impostor"), self.now, SERIAL)
        context = verified_context(other.certificate, self.issuer.certificate)
        for issuer in (self.issuer, other):
            with scripted(http(b"content"), context=self.server_context("localhost", issuer=issuer)) as server:
                self.assertEqual(ask(server, context).status, 200)

    def trusted(self, context: ssl.SSLContext) -> Answer:
        with scripted(http(b"content"), context=context) as server:
            return ask(server, verified_context(self.issuer.certificate))

    def untrusted(self, why: str, context: ssl.SSLContext) -> None:
        with scripted(http(b"content"), context=context) as server:
            with self.assertRaisesRegex(UntrustedServer, why):
                ask(server, verified_context(self.issuer.certificate))
        self.assertEqual(server.requests, [], "it was told something")

    def test_the_authoritys_server_is_trusted_by_its_name(self) -> None:
        self.assertEqual(self.trusted(self.server_context("localhost")).body, b"content")
        self.untrusted("not for this name.*--host-dns-names", self.server_context("other.example"))

    def test_another_authoritys_server_is_not_trusted(self) -> None:
        other = make_root(private_key(owner="impostor"), self.now, SERIAL)
        self.untrusted("is not to be trusted", self.server_context("localhost", issuer=other))

    def test_trust_in_public_authorities_is_not_inherited(self) -> None:
        self.assertEqual(len(verified_context(self.issuer.certificate).get_ca_certs()), 1)

    def test_an_unverified_connection_works_with_any_server(self) -> None:
        with scripted(http(b"content"), context=self.server_context("other.example")) as server:
            self.assertEqual(ask(server).body, b"content")

    def test_a_handshake_ends_in_time(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"https://localhost:{listener.getsockname()[1]}"
            with self.assertRaisesRegex(Unreachable, "within 0.3 seconds"):
                ask(Scripted(url), timeout=SHORT)

    def test_a_port_without_tls_is_told_and_not_tried_again(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = Thread(target=greet, args=(listener,))
            thread.start()
            url = f"https://localhost:{listener.getsockname()[1]}"
            with self.assertRaisesRegex(Unreachable, "does not speak TLS") as caught:
                ask(Scripted(url))
            thread.join()
        self.assertFalse(caught.exception.transient)


def server_context(issuer: Issuer, directory: Path, *names: str) -> ssl.SSLContext:
    """Make the context of a server with a certificate of *issuer*; its key is written to *directory*."""
    approved = profile().check(read_request(csr_pem(dns=names)))
    certificate = issuer.sign(approved, datetime.now(UTC), SERIAL + 1)
    key = private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = directory / "both.pem"
    path.write_bytes(key + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def greet(listener: socket.socket) -> None:
    """Say something that is no TLS to whoever comes first, and wait until it goes."""
    with listener.accept()[0] as connection:
        connection.sendall(http(b"", 400))
        with contextlib.suppress(OSError):
            while connection.recv(4096):
                pass
