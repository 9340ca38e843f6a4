"""What only a process of its own can show: signals, its end, and how it reports that it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path
from threading import Event
from time import monotonic

from tests.certificates import csr_pem
from tests.daemon import CHECKOUT, Daemon, start_daemon
from tests.interop.core import WITH_PSK, ask, bearer
from tests.support import Case

DOORS = ("https", "line", "rembus-wss")
BIN = Path(sys.executable).parent


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Let no commit through while the block lasts."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


class EnvironmentTests(Case):
    def test_a_daemon_under_test_gets_nothing_of_what_its_tester_has_configured(self) -> None:
        for name in ("PKID_LINE", "REMBUS_KEYSTORE", "BROKER_DB", "CREDENTIALS_DIRECTORY"):
            self.patch_environment(name, "/nowhere")
        self.assertNotIn("/nowhere", start_daemon(self).output)

    def patch_environment(self, name: str, value: str) -> None:
        """Set a variable until the test is over."""
        before = os.environ.get(name)
        os.environ[name] = value
        self.addCleanup(partial(os.environ.__setitem__, name, before) if before else partial(os.environ.pop, name))


class StartTests(Case):
    def test_the_log_of_a_first_start_says_what_is_where_and_no_more(self) -> None:
        daemon = start_daemon(self)
        daemon.stop()
        lines = [line.partition("] ")[2] for line in daemon.output.splitlines()]
        expected = (
            *(r"twistd .* starting up\.", r"reactor class: .*"),
            *(rf"the {door} door listens on port \d+ of 127\.0\.0\.1, with TLS" for door in DOORS),
            *(r"made a pre-shared key; .*: /.*/psk", r"the CA certificate is /.*/ca\.crt, SHA-256 \S+"),
            *(r"the pre-shared key default \(role admin\) has no end", rf"ready; all state is in {daemon.state}"),
            *(r"Received SIGTERM, shutting down\.", *(["the .* door is closed"] * len(DOORS))),
            *(r"Main loop terminated\.", r"Server Shut Down\."),
        )
        self.assertEqual(len(lines), len(expected), lines)
        for line, form in zip(lines, expected, strict=True):
            self.assertRegex(line, f"^{form}$")


class SignalTests(Case):
    def test_sigterm_finishes_the_answer_that_is_in_flight(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        body = csr_pem()
        head = {**bearer(), "Host": "core", "Content-Length": str(len(body)), "Expect": "100-continue"}
        lines = ["POST /ca/sign HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
        with connect(daemon) as client, ThreadPoolExecutor(1) as pool:
            client.sendall("\r\n".join(lines).encode())
            self.assertEqual(client.recv(4096), b"HTTP/1.1 100 Continue\r\n\r\n")
            with locked(daemon.state / "ledger.sqlite"):
                ended = pool.submit(daemon.stop)
                wait_for(lambda: "Received SIGTERM" in daemon.output)
                client.sendall(body)
                client.settimeout(0.5)
                self.assertRaises(TimeoutError, client.recv, 1)
            client.settimeout(30)
            answer = client.makefile("rb").read()
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer)
            self.assertIn(b"\r\nConnection: close\r\n", answer)
            self.assertTrue(answer.endswith(b"-----END CERTIFICATE-----\n"))
            self.assertIn(ended.result(30), (0, -signal.SIGTERM))

    def test_sigterm_with_an_idle_connection_ends_at_once(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
        with closing(HTTPSConnection("localhost", daemon.port, context=context, timeout=30)) as connection:
            connection.request("GET", "/system/ping")
            connection.getresponse().read()
            started = monotonic()
            daemon.stop()
            self.assertLess(monotonic() - started, 5)

    def test_sighup_does_not_end_it(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        for count in (1, 2, 3):
            os.kill(daemon.pid, signal.SIGHUP)
            wait_for(partial(self.has_reloaded, daemon, count))
        self.assertEqual(ask(daemon, "GET", "/system/ready").body, b"ok")
        self.assertTrue(daemon.running)

    def has_reloaded(self, daemon: Daemon, count: int) -> bool:
        return daemon.output.count("reloading") == count

    def test_after_a_kill_it_starts_again_as_the_same_authority(self) -> None:
        daemon = start_daemon(self)
        before = ask(daemon, "GET", "/ca/cert").body
        daemon.kill()
        self.assertTrue((daemon.state / "addresses").exists())
        daemon.start()
        self.assertEqual(ask(daemon, "GET", "/ca/cert").body, before)


class EndpointTests(Case):
    def test_ipv6(self) -> None:
        daemon = start_daemon(self, "--https", r"tcp:0:interface=\:\:1")
        self.assertEqual(daemon.address("https")[0], "::1")
        context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
        with closing(HTTPSConnection("::1", daemon.port, context=context, timeout=30)) as connection:
            connection.request("GET", "/system/ping")
            self.assertEqual(connection.getresponse().read(), b"pong")

    def test_both_families_on_one_port(self) -> None:
        daemon = start_daemon(self, "--https", "tcp:0")
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, daemon.port), timeout=10):
                pass

    def test_a_unix_socket(self) -> None:
        path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "https"
        daemon = start_daemon(self, "--https", f"unix:{path}", "--no-tls", "--line", "off", "--rembus-wss", "off")
        self.assertEqual((daemon.state / "addresses").read_text(), f"https {path}\n")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(path))
            client.sendall(b"GET /system/ready HTTP/1.1\r\nHost: core\r\nConnection: close\r\n\r\n")
            self.assertTrue(client.makefile("rb").read().endswith(b"\r\n\r\nok"))


class HandshakeTests(Case):
    def test_handshakes_that_stall_or_fail_keep_nobody_waiting(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        stalled = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(200)]
        for number, half in enumerate(stalled):
            self.addCleanup(half.close)
            half.sendall((b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n", b"")[number % 3])
        started = monotonic()
        self.assertEqual(ask(daemon, "GET", "/system/ready").body, b"ok")
        self.assertEqual(ask(daemon, "POST", "/ca/sign", csr_pem(), bearer()).status, 200)
        self.assertLess(monotonic() - started, 5)


class FailedStartTests(Case):
    """However it was launched, a core that cannot start says why and is gone."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.taken.close)
        self.port = self.taken.getsockname()[1]

    def launch(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Launch a core on a port that is in use, and wait for the launcher's end."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PKID_")}
        return subprocess.run(
            [*command, "pkid", "--state", "state", "--https", f"tcp:{self.port}:interface=127.0.0.1"],
            cwd=self.folder,
            env=environ | {"PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )

    def test_twistd_in_the_foreground(self) -> None:
        ended = self.launch(str(BIN / "twistd"), "-n", "--pidfile=")
        self.is_clear(ended.returncode, ended.stdout)

    def test_twistd_in_the_background(self) -> None:
        ended = self.launch(str(BIN / "twistd"), "--pidfile=pid", "--logfile=log")
        self.assertIn("cannot listen on", ended.stdout)
        self.is_clear(ended.returncode, ended.stdout + (self.folder / "log").read_text())
        self.assertFalse((self.folder / "pid").exists())

    def test_twist(self) -> None:
        ended = self.launch(str(BIN / "twist"), "--log-format=text")
        self.is_clear(ended.returncode, ended.stdout)

    def is_clear(self, status: int, output: str) -> None:
        self.assertEqual(status, 1, output)
        self.assertIn(f"pkid: the https door cannot listen on tcp:{self.port}", output)
        self.assertIn("Address already in use", output)
        self.assertNotIn("Traceback", output)
        self.assertFalse((self.folder / "state").exists())


class LauncherTests(Case):
    def test_twist_serves_too(self) -> None:
        state = Path(self.mktemp()).resolve()
        with subprocess.Popen(
            [
                str(BIN / "twist"), "--log-format=text", "pkid",
                "--state", str(state), "--https", "tcp:0:interface=127.0.0.1", "--line", "off",
                "--rembus-wss", "off",
            ],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:  # fmt: skip
            self.addCleanup(process.kill)
            wait_for(lambda: (state / "addresses").exists() or process.poll() is not None)
            twin = Daemon(state)
            self.assertEqual(ask(twin, "GET", "/system/ready").body, b"ok")
            process.terminate()
            output, _ = process.communicate(timeout=30)
        self.assertNotIn("Traceback", output)
        self.assertFalse((state / "addresses").exists())


def connect(daemon: Daemon) -> ssl.SSLSocket:
    """Open a connection that trusts the daemon's CA."""
    context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
    return context.wrap_socket(
        socket.create_connection(("127.0.0.1", daemon.port), timeout=30), server_hostname="localhost"
    )


def wait_for(condition: Callable[[], bool]) -> None:
    """Look at another process until a condition holds, for half a minute at most."""
    limit = monotonic() + 30
    while not condition():
        if monotonic() > limit:
            raise AssertionError("it did not come to that in 30 seconds")
        Event().wait(0.02)
