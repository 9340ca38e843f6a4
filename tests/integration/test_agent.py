"""The agent with a real core, over real sockets: in this process, and in Twisted programs that never heard of it."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from typing import Any

from cryptography import x509
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint, serverFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, readBody
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

from pkid.agent import (
    CertificateService,
    ClientAuthentication,
    Core,
    DirectoryStorage,
    HTTPSPolicy,
    OtherAuthority,
    Runtime,
    ServerEndpoint,
    Subject,
    connect,
)
from tests.daemon import Daemon, start_daemon
from tests.interop.openssl import openssl
from tests.support import Case, require, require_program

PSK = "a good pre-shared key, 1"
KLEIN = """
import sys
from klein import Klein
app = Klein()
@app.route("/index.html")
def index(request):
    return b"hello"
app.run(endpoint_description=sys.argv[1])
"""


class AgentCase(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.daemon = start_daemon(self, "--psk", PSK, "--strict-tokens")
        self.directory = self.daemon.state.parent

    def service(self, subject: str = "localhost", url: str = "", directory: str = "agent") -> CertificateService:
        """Return a service, not started, that keeps everything in a directory."""
        storage = DirectoryStorage(self.directory / directory)
        core = Core(url or self.daemon.url, PSK, storage, Runtime.of(reactor))
        return CertificateService(core, Subject.of(subject), storage)

    def start(self, service: CertificateService) -> CertificateService:
        service.startService()
        self.addCleanup(lambda: service.stopService() if service.running else None)
        return service

    def ledger(self) -> list[tuple[str, bool]]:
        """Return for each component's certificate the credential, and whether it renews another."""
        query = "SELECT credential, renews IS NOT NULL FROM certificates WHERE profile = 'component' ORDER BY issued_at"
        with closing(sqlite3.connect(self.daemon.state / "ledger.sqlite")) as ledger:
            return [(credential.partition(":")[0], bool(renews)) for credential, renews in ledger.execute(query)]


class ServiceTests(AgentCase):
    async def test_a_certificate_is_got_by_the_key_and_renewed_with_itself(self) -> None:
        service = self.start(self.service())
        first = await service.when_ready()
        second = await service.renew()
        self.assertNotEqual(first.certificate.serial_number, second.certificate.serial_number)
        self.assertEqual(self.ledger(), [("psk", False), ("certificate", True)])
        stored = (self.directory / "agent" / "certificate.pem").read_bytes()
        self.assertEqual(stored, second.pem())
        self.assertEqual(
            (self.directory / "agent" / "ca.crt").read_bytes(), (self.daemon.state / "ca.crt").read_bytes()
        )

    async def test_the_next_start_needs_no_core_and_a_core_that_moved_is_known_again(self) -> None:
        first = self.start(self.service())
        held = await first.when_ready()
        first.stopService()
        url = self.daemon.url
        self.daemon.stop()
        again = self.start(self.service(url=url))
        self.assertEqual((await again.when_ready()).certificate, held.certificate)
        again.stopService()
        self.daemon.start()  # on another port
        moved = self.start(self.service())
        await moved.when_ready()
        self.assertNotEqual((await moved.renew()).certificate, held.certificate)
        self.assertEqual(self.ledger(), [("psk", False), ("certificate", True)])

    async def test_another_core_with_the_same_key_gets_nothing(self) -> None:
        first = self.start(self.service())
        await first.when_ready()
        first.stopService()
        other = start_daemon(self, "--psk", PSK)
        deceived = self.start(self.service(url=other.url))
        await deceived.when_ready()
        with self.assertRaises(OtherAuthority):
            await deceived.renew()
        self.assertNotIn("signed", other.output)

    async def test_stopping_gives_up_what_is_under_way(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            service = self.start(self.service(url=f"https://localhost:{silent.getsockname()[1]}"))
            accepted, _ = await deferToThread(silent.accept)
            service.stopService()
            with accepted:
                accepted.settimeout(20)
                self.assertIn(await deferToThread(_drain, accepted), (b"", None))


class EndpointTests(AgentCase):
    async def test_a_port_shows_a_renewed_certificate_without_a_restart(self) -> None:
        require_program("openssl")
        self.patch_environment("PKID_PSK", PSK)
        url = self.daemon.url.replace(":", r"\:")
        endpoint: Any = serverFromString(reactor, f"pkid:0:core={url}:name=localhost:interface=127.0.0.1")
        root = Resource()
        root.putChild(b"", Data(b"hello", "text/plain"))
        port = await endpoint.listen(Site(root))
        self.addCleanup(port.stopListening)
        await endpoint.service.when_ready()
        seen = [await deferToThread(self.look, port.getHost().port)]
        await endpoint.service.renew()
        seen.append(await deferToThread(self.look, port.getHost().port))
        self.assertEqual(len(set(seen)), 2)

    def patch_environment(self, name: str, value: str) -> None:
        self.patch(os, "environ", os.environ | {name: value})

    def look(self, port: int) -> str:
        """Return the serial number that ``openssl`` sees and verifies."""
        authority = self.daemon.state / "ca.crt"
        shown = openssl(
            "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-verify_return_error",
            "-verify_hostname", "localhost", "-x509_strict", "-CAfile", authority,
        ).stdout  # fmt: skip
        self.assertIn("Verify return code: 0 (ok)", shown)
        certificate = shown[shown.index("-----BEGIN") : shown.index("-----END CERTIFICATE-----") + 26]
        return str(x509.load_pem_x509_certificate(certificate.encode()).serial_number)

    async def test_components_know_each_other_by_mutual_tls(self) -> None:
        server, client = self.service("localhost", directory="server"), self.service("client", directory="client")
        tcp = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        endpoint = ServerEndpoint(server, tcp, ClientAuthentication.REQUIRED)
        port: Any = await endpoint.listen(Site(WhoAreYou()))
        self.addCleanup(port.stopListening)
        await self.start(client).when_ready()
        await server.when_ready()
        url = f"https://localhost:{port.getHost().port}/".encode()
        response = await Agent(reactor, HTTPSPolicy(client)).request(b"GET", url)
        self.assertEqual(await readBody(response), b"client")
        connected: Any = await connect(client, "localhost", port.getHost().port, Factory.forProtocol(Protocol))
        connected.transport.loseConnection()
        context = ssl.create_default_context(cafile=str(self.daemon.state / "ca.crt"))
        with self.assertRaises(ssl.SSLError):
            await deferToThread(_read_without_certificate, context, port.getHost().port)


class WhoAreYou(Resource):
    """Tells clients the name in their certificate."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        name: str = request.channel.transport.getPeerCertificate().get_subject().CN
        return name.encode()


class ProgramTests(Case):
    """Programs in processes of their own."""

    def setUp(self) -> None:
        self.daemon = start_daemon(self, "--psk", PSK)
        self.directory = self.daemon.state.parent

    def string(self, **options: str) -> str:
        """Write the endpoint string."""
        url = self.daemon.url.replace(":", r"\:")
        more = "".join(f":{name}={value}" for name, value in options.items())
        return f"pkid:0:core={url}:name=localhost:interface=127.0.0.1{more}"

    @contextmanager
    def running(self, *command: str) -> Iterator[Served]:
        """Run a program until the end of the block."""
        environment = self.daemon._environment | {"PKID_PSK": PSK, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [sys.executable, *command], cwd=self.directory, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            yield Served(process, self.daemon)
        finally:
            process.terminate()
            process.communicate(timeout=30)

    def twist_web(self, string: str) -> tuple[str, ...]:
        site = self.directory / "site"
        site.mkdir(exist_ok=True)
        (site / "index.html").write_text("hello")
        return ("-m", "twisted", "--log-format=text", "web", "--path", str(site), "--listen", string)

    def test_twist_web_serves_with_a_certificate_and_the_next_time_without_the_core(self) -> None:
        string = self.string(state="web")
        with self.running(*self.twist_web(string)) as served:
            port = served.read_until(r"starting on (\d+)")
            served.read_until("a new one, valid until")
            first = served.fetch(int(port))
        self.assertEqual(first[1], b"hello")
        self.daemon.stop()
        with self.running(*self.twist_web(string)) as served:
            self.assertEqual(served.fetch(int(served.read_until(r"starting on (\d+)"))), first)
        self.assertEqual((self.directory / "web" / "certificate.pem").stat().st_mode & 0o777, 0o600)

    def test_klein_does_too(self) -> None:
        require(find_spec("klein"), "the Python package klein")
        with self.running("-c", KLEIN, self.string()) as served:
            port = served.read_until(r"starting on (\d+)")
            served.read_until("a new one, valid until")
            self.assertEqual(served.fetch(int(port))[1], b"hello")

    def test_before_the_core_is_there_nobody_is_deceived(self) -> None:
        string = self.string()
        self.daemon.stop()
        with self.running(*self.twist_web(string)) as served:
            port = served.read_until(r"starting on (\d+)")
            served.read_until("cannot be reached")
            with self.assertRaises(ssl.SSLCertVerificationError):
                served.fetch(int(port))

    def test_a_program_without_a_key_says_so(self) -> None:
        environment = dict(self.daemon._environment)
        ended = subprocess.run(
            [sys.executable, *self.twist_web(self.string())],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("PKID_PSK is not set", ended.stderr)


class Served:
    """A running program that serves."""

    def __init__(self, process: subprocess.Popen[str], daemon: Daemon) -> None:
        self._process = process
        self._authority = daemon.state / "ca.crt"
        self._lines: list[str] = []

    def read_until(self, pattern: str) -> str:
        """Read what the program says until it says this, and return the group in it, if there is one."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if found := re.search(pattern, line):
                return found[found.lastindex or 0]
        raise AssertionError(f"it never said {pattern!r}:\n{''.join(self._lines)}")

    def fetch(self, port: int) -> tuple[bytes | None, bytes]:
        """Fetch a page over verified TLS; return the server's certificate, and the page."""
        context = ssl.create_default_context(cafile=str(self._authority))
        with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                connection.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
                content = b"".join(iter(lambda: connection.recv(4096), b""))
                return connection.getpeercert(True), content.partition(b"\r\n\r\n")[2]


def _drain(connection: socket.socket) -> bytes | None:
    """Read to the end; ``None`` when it was cut."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        return None
    return b""


def _read_without_certificate(context: ssl.SSLContext, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            connection.recv(1)
