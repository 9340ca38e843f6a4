"""nginx and PostgreSQL with files of the agent: they serve each new certificate, and nobody notices the change."""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event

from cryptography import x509

from tests.integration.agents import AgentCase
from tests.interop.guides import block
from tests.interop.servers import ENVIRONMENT, as_user, folder_of, free_port, run, serving
from tests.interop.test_nginx import FILES
from tests.interop.test_postgresql import WHERE, server_program
from tests.support import require_program, slow

FRAME = """\
daemon off;
worker_processes 2;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {server}
}}
"""
HOST = "web.example"
LARGE = 1 << 20  # bytes of an answer that takes some seconds
CLIENTS = 4


class ReaderCase(AgentCase):
    """Has an agent with one certificate, and a server that reads it."""

    more = ""

    @contextmanager
    def connected(self, port: int) -> Iterator[ssl.SSLSocket]:
        """Connect to the server, and trust nobody but the core's CA."""
        context = ssl.create_default_context(cafile=str(self.core.state / "ca.crt"))
        with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
            self.before_tls(plain)
            with context.wrap_socket(plain, server_hostname=HOST) as tls:
                yield tls

    def before_tls(self, plain: socket.socket) -> None:
        """Say what comes before TLS: nothing, if not told otherwise."""

    def shown(self, port: int) -> x509.Certificate:
        """Return the certificate that a new connection is shown."""
        with self.connected(port) as tls:
            certificate = tls.getpeercert(binary_form=True)
        assert certificate is not None
        return x509.load_der_x509_certificate(certificate)

    def renew(self) -> None:
        """Let the agent get another certificate now, for one more name."""
        self.configure(self.table("web", f'{self.more}\ndns-names = ["{HOST}", "new.example"]'))
        self.agent.hang_up()

    def wait_for_another(self, first: x509.Certificate, port: int) -> None:
        """Wait until another certificate is there, and the server shows it."""
        self.wait(lambda: self.certificate("web") != first)
        self.wait(lambda: self.shown(port) == self.certificate("web"))
        self.wait_until_well(1)


class NginxCase(ReaderCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.enterContext(folder_of("root"))
        self.server.chmod(0o755)  # its workers are others
        (self.server / "large").write_bytes(bytes(LARGE))
        self.port = free_port()
        (self.server / "nginx.conf").write_text(FRAME.format(server=self.server_block()))
        self.command = [require_program("nginx"), "-p", str(self.server), "-e", "stderr", "-c", "nginx.conf"]
        self.more = f"on-renew = {[*self.command, '-s', 'reload']}"

    def server_block(self) -> str:
        """Return the guide's open server, with a slow answer besides."""
        server = "server {" + block("nginx", "nginx").split("server {")[1]
        server = server.replace(FILES, str(self.folder / "web")).replace("www.example.com", HOST)
        server = server.replace("listen 443", f"listen 127.0.0.1:{self.port}")
        return server.replace("location /", f"location = /large {{ root {self.server}; limit_rate 256k; }}\nlocation /")

    def begin(self) -> x509.Certificate:
        """Start the agent, then nginx, and see that they agree."""
        self.configure(self.table("web", self.more))
        self.start()
        self.wait(lambda: self.agent.status()[0]["hook"] == "failed")  # nginx does not run yet
        self.enterContext(serving(self.command, self.server, self.port))
        self.agent.hang_up()
        self.wait_until_well(1)
        first = self.shown(self.port)
        self.assertEqual(first, self.certificate("web"))
        return first

    def get(self, path: str) -> bytes:
        """Return the body of an answer that is complete."""
        with self.connected(self.port) as tls:
            tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            head, _, body = b"".join(iter(lambda: tls.recv(65536), b"")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert f"content-length: {len(body)}" in head.decode().lower(), head
        return body

    @contextmanager
    def busy(self) -> Iterator[list[int]]:
        """Let clients ask without a pause meanwhile, and one wait for a slow answer; give how many were answered."""
        over = Event()
        answered = [0] * CLIENTS

        def ask(number: int) -> None:
            while not over.is_set():
                assert self.get("/") == b"hello\n"
                answered[number] += 1

        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            asking = [pool.submit(ask, number) for number in range(CLIENTS)]
            slowly = pool.submit(self.get, "/large")
            try:
                yield answered
            finally:
                over.set()
            self.assertEqual(slowly.result(), bytes(LARGE))
            for each in asking:
                each.result()

    def check_renewal(self) -> None:
        """See that its workers serve the new certificate, and that no client notices anything else."""
        first = self.begin()
        with self.busy() as answered:
            self.renew()
            self.wait_for_another(first, self.port)
            before = sum(answered)
            self.wait(lambda: sum(answered) > before + 20)
        print(f" [{sum(answered)} requests]", end="")
        for _ in range(20):
            self.assertEqual(self.shown(self.port), self.certificate("web"))


class NginxTests(NginxCase):
    def test_its_workers_serve_the_new_certificate_and_no_client_notices(self) -> None:
        self.check_renewal()

    def test_an_agent_that_is_killed_leaves_what_it_can_load(self) -> None:
        self.begin()
        for _ in range(3):
            self.renew()
            self.agent.kill()
            tested = run(*self.command, "-t", home=self.server)
            self.assertEqual(tested.returncode, 0, tested.stdout)
            self.configure(self.table("web", self.more))
            self.agent.start()
            self.wait_until_well(1)


class RenewalByTheClockTests(NginxCase):
    """The same, but nobody asks for another certificate: the first one comes near to its end."""

    core_options = ("--leaf-lifetime", "5m")
    patience = timedelta(minutes=5)

    def setUp(self) -> None:
        slow()
        super().setUp()

    def renew(self) -> None:
        """Wait."""

    def test_its_workers_serve_the_new_certificate_and_no_client_notices(self) -> None:
        self.check_renewal()


class PostgreSQLTests(ReaderCase):
    def setUp(self) -> None:
        super().setUp()
        require_program("psql")
        initdb, postgres, control = (server_program(name) for name in ("initdb", "postgres", "pg_ctl"))
        self.folder.chmod(0o755)
        self.server = self.enterContext(folder_of("postgres"))
        data = self.server / "data"
        options = ("--auth=trust", "--username=admin", "--no-sync")
        made = run(*as_user("postgres"), initdb, "-D", data, *options, home=self.server)
        self.assertEqual(made.returncode, 0, made.stdout)
        self.port = free_port()
        settings = block("postgresql", "ini").replace(WHERE, str(self.folder / "web")).replace("'*'", "'127.0.0.1'")
        with (data / "postgresql.conf").open("a") as file:
            file.write(f"{settings}\nport = {self.port}\nunix_socket_directories = ''\nfsync = off\n")
        self.command = [*as_user("postgres"), postgres, "-D", str(data)]
        (self.more,) = [line for line in block("postgresql", "toml").splitlines() if line.startswith("files")]
        self.more += f"\non-renew = {[*as_user('postgres'), control, 'reload', '-D', str(data)]}\n"
        self.more += 'owner = "postgres"\n' if as_user("postgres") else ""

    def certificate(self, name: str) -> x509.Certificate:
        """Return the one that PostgreSQL is told."""
        return x509.load_pem_x509_certificate((self.folder / name / "db.example.com.crt").read_bytes())

    def before_tls(self, plain: socket.socket) -> None:
        """Ask for TLS (PostgreSQL, frontend/backend protocol: SSLRequest)."""
        plain.sendall(struct.pack("!II", 8, 80877103))
        self.assertEqual(plain.recv(1), b"S")

    def test_it_serves_the_new_certificate_and_sessions_go_on(self) -> None:
        self.configure(self.table("web", self.more))
        self.start()
        self.wait(lambda: self.agent.status()[0]["hook"] == "failed")
        self.enterContext(serving(self.command, self.server, self.port))
        self.agent.hang_up()
        self.wait_until_well(1)
        first = self.shown(self.port)
        with self.session() as session:
            self.assertEqual(self.query(session, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), "t")
            backend = self.query(session, "SELECT pg_backend_pid()")
            self.renew()
            self.wait_for_another(first, self.port)
            self.assertEqual(self.query(session, "SELECT pg_backend_pid()"), backend)

    @contextmanager
    def session(self) -> Iterator[subprocess.Popen[str]]:
        """Open a session that verifies the server."""
        target = (
            f"host={HOST} hostaddr=127.0.0.1 port={self.port} dbname=postgres user=admin"
            f" sslmode=verify-full sslrootcert={self.core.state / 'ca.crt'}"
        )
        program = shutil.which("psql")
        assert program is not None
        with subprocess.Popen(
            [program, "-XAtq", target],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT | {"HOME": str(self.server)},
        ) as session:  # fmt: skip
            yield session
            session.communicate("\\q\n", timeout=60)

    def query(self, session: subprocess.Popen[str], query: str) -> str:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write(f"{query};\n")
        session.stdin.flush()
        return session.stdout.readline().strip()
