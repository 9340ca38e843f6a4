"""PostgreSQL, set up as its guide says, with certificates of ``certificate create``, and psql as its client."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.daemon import start_daemon
from tests.interop.core import WITH_PSK
from tests.interop.guides import block, create
from tests.interop.servers import as_user, folder_of, free_port, give_to, run, serving
from tests.support import Case, require, require_program

HOST = "db.example.com"
WHERE = "/etc/postgresql/15/main/pkid"
PASSWORD = "a password of the database"


class PostgreSQLTests(Case):
    def setUp(self) -> None:
        self.psql = require_program("psql")
        self.initdb, self.postgres = server_program("initdb"), server_program("postgres")
        self.daemon = start_daemon(self, *WITH_PSK)
        self.folder = self.enterContext(folder_of("postgres"))
        self.client = Path(self.mktemp()).resolve()
        self.client.mkdir()
        for file in create(self.daemon, self.folder, f"--common-name {HOST} --dns-names {HOST}"):
            give_to(file, "postgres")
        create(self.daemon, self.client, "--common-name report --dns-names report.example.com")
        for folder in (self.folder, self.client):
            shutil.copy(self.daemon.state / "ca.crt", folder)
        self.port = free_port()
        self.start()

    def start(self) -> None:
        """Start a server as the guide says, with two users."""
        data = self.folder / "data"
        password = self.folder / "password"
        password.write_text(PASSWORD)
        give_to(password, "postgres")
        options = ("--username=admin", f"--pwfile={password}", "--auth=scram-sha-256", "--no-sync")
        made = run(*as_user("postgres"), self.initdb, "-D", data, *options, home=self.folder)
        self.assertEqual(made.returncode, 0, made.stdout)
        settings = block("postgresql", "ini").replace(WHERE, str(self.folder)).replace("'*'", "'127.0.0.1'")
        with (data / "postgresql.conf").open("a") as file:
            file.write(f"{settings}\nport = {self.port}\nunix_socket_directories = ''\nfsync = off\n")
        (data / "pg_hba.conf").write_text(block("postgresql", "pg_hba"))
        self.enterContext(serving([*as_user("postgres"), self.postgres, "-D", str(data)], self.folder, self.port))
        self.succeed("CREATE ROLE report LOGIN")

    def ask(self, query: str, **parameters: str) -> subprocess.CompletedProcess[str]:
        """Ask as the administrator, with a password and the user's certificate, unless parameters say otherwise."""
        usual = {
            "host": HOST, "hostaddr": "127.0.0.1", "port": str(self.port), "dbname": "postgres", "user": "admin",
            "sslmode": "verify-full", "sslrootcert": "ca.crt", "sslcert": "report.crt", "sslkey": "report.key",
        }  # fmt: skip
        target = " ".join(f"{name}={value}" for name, value in (usual | parameters).items())
        return run(self.psql, "-XAtqc", query, target, home=self.client, PGPASSWORD=PASSWORD, PGCONNECT_TIMEOUT="30")

    def succeed(self, query: str, **parameters: str) -> str:
        ended = self.ask(query, **parameters)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        return ended.stdout.strip()

    def fails(self, message: str, **parameters: str) -> None:
        ended = self.ask("SELECT 1", **parameters)
        self.assertEqual(ended.returncode, 2, ended.stdout)
        self.assertIn(message, ended.stdout)

    def test_the_server_is_verified_by_chain_and_name(self) -> None:
        query = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        self.assertEqual(self.succeed(query), "t|TLSv1.3")
        self.assertEqual(self.succeed(query, ssl_max_protocol_version="TLSv1.2"), "t|TLSv1.2")
        self.fails(f'certificate for "{HOST}" does not match host name "other.example.com"', host="other.example.com")
        other = start_daemon(self, *WITH_PSK)
        self.fails("certificate verify failed", sslrootcert=str(other.state / "ca.crt"))

    def test_a_certificate_is_asked_for_beside_the_password(self) -> None:
        self.fails("connection requires a valid client certificate", sslcert="none.crt")
        self.assertEqual(self.succeed("SELECT current_user"), "admin")

    def test_a_certificate_of_another_authority_is_none(self) -> None:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        other = start_daemon(self, *WITH_PSK)
        key, certificate = create(other, folder, "--common-name report --dns-names report.example.com")
        self.fails("unknown ca", user="report", sslcert=str(certificate), sslkey=str(key))

    def test_a_user_comes_in_by_its_certificate_alone_and_no_other_does(self) -> None:
        self.assertEqual(self.succeed("SELECT current_user", user="report"), "report")
        create(self.daemon, self.client, "--common-name other --dns-names other.example.com")
        pair = {"sslcert": "other.crt", "sslkey": "other.key"}
        self.fails('certificate authentication failed for user "report"', user="report", **pair)

    def test_nobody_comes_without_tls(self) -> None:
        self.fails("rejects connection", sslmode="disable")


def server_program(name: str) -> str:
    """Return the path of one of the server's programs, which Debian keeps out of ``PATH``; or skip the test."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = shutil.which(name) or (str(found[-1]) if found else None)
    require(path, f"the program {name}")
    assert path is not None
    return path
