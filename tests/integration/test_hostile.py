"""Hostile requests over real TLS: each gets the answer that it must get, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import ClassVar

from pkid.errors import Reason
from tests.certificates import csr_pem
from tests.daemon import Daemon, start_daemon
from tests.integration.hostile.attempt import Attempt, head, post
from tests.integration.hostile.certificates import certificates
from tests.integration.hostile.commands import commands
from tests.integration.hostile.credentials import credentials
from tests.integration.hostile.heads import heads
from tests.integration.hostile.requests import requests
from tests.integration.hostile.searches import searches
from tests.interop.core import WITH_PSK, ask, bearer
from tests.support import Case

MEGABYTE = 1 << 20
MOST_GROWTH = 4 * MEGABYTE  # which keeping a few of the bodies would exceed
FEWEST = 80

CODE = re.compile(rb"Error: ([A-Za-z-]+)\nMessage: [^\n]+", re.DOTALL)
FORMS: dict[int, re.Pattern[bytes]] = {
    400: re.compile(rb"400: Bad Request|" + CODE.pattern, re.DOTALL),
    401: re.compile(rb"401: Unauthorized"),
    403: re.compile(rb"Not allowed to perform this operation\. Missing permission: [a-z]+|" + CODE.pattern, re.DOTALL),
    404: re.compile(rb"404: Not Found"),
    405: re.compile(rb"405: Method Not Allowed"),
    413: re.compile(rb"413: Request Entity Too Large"),
}
"""The documented forms of what is not 200."""
HEADERS = {401: b"WWW-Authenticate: ", 405: b"Allow: "}
"""What must stand in the head of an answer."""


class HostileTests(Case):
    daemon: Daemon
    codes: ClassVar = {reason.code for reason in Reason}

    def setUp(self) -> None:
        self.daemon = start_daemon(self, *WITH_PSK)
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.context = ssl.create_default_context(cafile=str(self.daemon.state / "ca.crt"))

    def attempts(self) -> Iterator[Attempt]:
        """Yield every attempt, with tokens that are good now."""
        reflected = ask(self.daemon, "GET", "/ca/cert").headers["Authorization"]
        authorization = f"Authorization: {bearer()['Authorization']}".encode()
        return chain(
            credentials(reflected),
            heads(authorization),
            commands(authorization),
            searches(authorization),
            requests(authorization),
            certificates(self.daemon.state, self.folder),
        )

    def test_each_gets_its_answer_and_leaves_nothing_behind(self) -> None:
        """The second round may not cost memory that the first one did not."""
        self.check_answers()
        before = memory(self.daemon)
        count = self.check_answers()
        grown = memory(self.daemon) - before
        print(f" [{count} requests, memory grew by {grown / MEGABYTE:.1f} MB]", end="")
        self.assertGreaterEqual(count, FEWEST)
        self.assertLess(grown, MOST_GROWTH)
        self.assertEqual(ask(self.daemon, "GET", "/system/ready").body, b"ok")
        self.assertEqual(ask(self.daemon, "POST", "/ca/sign", csr_pem(), bearer()).status, 200)

    def check_answers(self) -> int:
        """Make every attempt; return how many there were."""
        wrong: list[str] = []
        attempts = list(self.attempts())
        for attempt in attempts:
            logged = len(self.daemon.output)
            answer = exchange(self.daemon.port, attempt.context or self.context, attempt.sent)
            problem = self.problem(attempt, answer) or odd_lines(self.daemon.output[logged:])
            if problem:
                wrong.append(f"{attempt.about}: {problem}; it was {answer[:200]!r}")
        self.assertEqual(wrong, [], "\n".join(wrong))
        return len(attempts)

    def problem(self, attempt: Attempt, answer: bytes) -> str:
        """Say what is wrong with an answer, or nothing."""
        start, _, body = answer.partition(b"\r\n\r\n")
        status = re.match(rb"HTTP/1\.[01] (\d{3}) ", start)
        if status is None or int(status[1]) != attempt.status:
            return f"not {attempt.status}"
        if HEADERS.get(attempt.status, b"") not in start:
            return "a header is missing"
        if attempt.status in FORMS and not FORMS[attempt.status].fullmatch(body):
            return "the body is of no documented form"
        code = CODE.fullmatch(body)
        found = code[1].decode() if code else ""
        if attempt.code and found != attempt.code:
            return f"not {attempt.code}"
        return "" if not found or found in self.codes else f"the code {found} is not documented"


class SlowTests(Case):
    def test_who_sends_half_a_request_holds_nobody_up(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
        authorization = f"Authorization: {bearer()['Authorization']}".encode()
        halves = (
            b"",
            b"GET /system/ping HTT",
            head("GET", "/system/ping")[:-2],
            head("POST", "/ca/sign", authorization, b"Content-Length: 60000") + b"x" * 30_000,
            head("POST", "/cli/execute", authorization, b"Transfer-Encoding: chunked") + b"ffff\r\n" + b"x" * 60_000,
            head("POST", "/ca/sign", b"Content-Length: 10", b"Expect: 100-continue"),
        )
        for half in halves * 20:
            self.enterContext(connect(daemon.port, context)).sendall(half)
        self.assertEqual(ask(daemon, "GET", "/system/ready").body, b"ok")
        self.assertEqual(ask(daemon, "POST", "/ca/sign", csr_pem(), bearer()).status, 200)

    def test_half_a_request_before_an_end_without_a_word_is_never_acted_upon(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
        authorization = f"Authorization: {bearer()['Authorization']}".encode()
        for number in range(20):
            sent = post("/ca/sign", csr_pem(common_name=f"half-{number}.example"), authorization)
            with connect(daemon.port, context) as connection:
                connection.sendall(sent[: -1 - number * 10])
        self.assertEqual(count_certificates(daemon), b"total matched: 0")
        ask(daemon, "POST", "/ca/sign", csr_pem(), bearer())
        self.assertEqual(count_certificates(daemon), b"total matched: 1")

    def test_who_does_not_read_holds_nobody_up(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
        for _ in range(50):
            self.enterContext(connect(daemon.port, context)).sendall(head("GET", "/ca/cert") * 50)
        sent = post("/cli/execute", b"help", f"Authorization: {bearer()['Authorization']}".encode())
        self.assertIn(b" 400 ", exchange(daemon.port, context, sent)[:20])
        self.assertEqual(ask(daemon, "GET", "/system/ready").body, b"ok")


def count_certificates(daemon: Daemon) -> bytes:
    """Return what the core tells of the certificates that it signed for components."""
    headers = bearer() | {"Content-Type": "text/plain", "Accept": "text/plain"}
    command = b"search is(certificate) and profile = component | count"
    return ask(daemon, "POST", "/cli/execute", command, headers).body.split(b"\n")[0]


def connect(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Open a connection whose peer is verified."""
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30), server_hostname="localhost")


def exchange(port: int, context: ssl.SSLContext, sent: bytes) -> bytes:
    """Send all of it, or what is taken, and return the first answer that is not ``100 Continue``."""
    with connect(port, context) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(sent)
        return read_answer(connection)


def read_answer(connection: ssl.SSLSocket) -> bytes:
    """Read one answer, as long as it says that it is, or up to the connection's end."""
    answer = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while not is_complete(answer) and (piece := connection.recv(65_536)):
            answer += piece
            answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    return answer


def is_complete(answer: bytes) -> bool:
    """Tell whether the first answer is there, body included."""
    start, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", start)
    return bool(end) and length is not None and len(body) >= int(length[1])


def odd_lines(logged: str) -> str:
    """Say what is wrong with what one request left in the log: more than one line, control characters, a fault."""
    lines = logged.split("\n")[:-1]
    if len(lines) > 1 or any(not line.isprintable() for line in lines):
        return f"it was logged as {lines}"
    return f"a fault: {lines}" if any("Traceback" in line or "cannot answer" in line for line in lines) else ""


def memory(daemon: Daemon) -> int:
    """Return the daemon's resident memory in bytes."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
