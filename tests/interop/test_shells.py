"""The originals' own shells, fixsh and resh from PyPI, in a session with the core."""

from __future__ import annotations

import ssl
import subprocess
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from cryptography import x509

from tests.daemon import start_daemon
from tests.interop.core import PSK, WITH_PSK
from tests.interop.environments import DEADLINE, FIX_INVENTORY, RESOTO, Environment, plain_environ
from tests.interop.openssl import verify
from tests.interop.terminal import Terminal
from tests.support import Case

if TYPE_CHECKING:
    Base = Case
else:
    Base = object

CREATE = "certificate create --common-name arangodb.local --dns-names arangodb.local localhost --ip-addresses 127.0.0.1"
"""The line of the originals' documents."""

RECEIVED = [
    f"Received a file arangodb.local.{kind}, which is stored to ./arangodb.local.{kind}" for kind in ("key", "crt")
]
"""What the shells say then; the documents leave a part of the names out."""


LISTED = "name=arangodb.local, profile=component"
"""What a search lists of the certificate."""


class ShellTests(Base):
    """One original's shell.

    :cvar program: its name.
    :cvar core: what its options call the core.
    :cvar variable: the environment variable of its pre-shared key.
    """

    environment: ClassVar[Environment]
    program: ClassVar[str]
    core: ClassVar[str]
    variable: ClassVar[str]

    def setUp(self) -> None:
        self.path = self.environment.program(self.program)
        self.daemon = start_daemon(self, *WITH_PSK)
        self.directory = self.daemon.state.parent / "user"
        self.directory.mkdir()

    def command(self, *options: str) -> list[str]:
        return [str(self.path), f"--{self.core}-uri", self.daemon.url, *options]

    def environ(self, psk: str = PSK) -> dict[str, str]:
        return plain_environ(self.directory) | {self.variable: psk}

    def type_lines(self, *lines: str, psk: str = PSK) -> subprocess.CompletedProcess[str]:
        """Give *lines* to the shell's standard input."""
        return subprocess.run(
            self.command("--stdin"),
            cwd=self.directory,
            env=self.environ(psk),
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            timeout=DEADLINE.total_seconds(),
        )

    def check_files(self) -> None:
        """Check that the two files serve TLS, for those who trust the CA, under each of the names."""
        key, certificate = (self.directory / f"arangodb.local.{kind}" for kind in ("key", "crt"))
        authority = self.daemon.state / "ca.crt"
        self.assertEqual(verify(authority, certificate), f"{certificate}: OK\n")
        names = names_of(certificate)
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["arangodb.local", "localhost"])
        self.assertEqual(names.get_values_for_type(x509.IPAddress), [IPv4Address("127.0.0.1")])
        self.assertTrue(key.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----\n"))
        for name in ("arangodb.local", "localhost", "127.0.0.1"):
            self.assertEqual(handshake(certificate, key, authority, name), "TLSv1.3")

    def test_lines_from_a_pipe(self) -> None:
        """Files are stored, texts are printed, an error goes to standard error and ends nothing."""
        ended = self.type_lines(
            "help | head 1", CREATE, "nonsense", "help | head 3 | count; help | tail 1", "ca show",
            "search is(certificate) | count", "search name = arangodb.local | list name, profile",
        )  # fmt: skip
        self.assertEqual(ended.returncode, 0, ended.stderr)
        printed = ended.stdout.splitlines()
        self.assertTrue(printed[0].startswith("help "), ended.stdout)
        self.assertEqual(printed[1:3], RECEIVED)
        self.assertIn("total matched: 3", printed)
        self.assertIn("---", printed)
        self.assertEqual(printed[-3:], ["total matched: 2", "total unmatched: 0", LISTED])
        self.assertIn("subject: CN=pkid CA ", ended.stdout)
        self.assertIn("Error: CLIParseError\nMessage: Command >nonsense< is not known. Typo?", ended.stderr)
        self.assertNotIn("Traceback", ended.stderr)
        self.check_files()

    def test_one_file_for_arangodb(self) -> None:
        self.assertEqual(self.type_lines(f"{CREATE} --pem").returncode, 0)
        both = self.directory / "arangodb.local.pem"
        self.assertEqual(handshake(both, both, self.daemon.state / "ca.crt", "localhost"), "TLSv1.3")

    def test_a_wrong_key_gets_no_shell(self) -> None:
        ended = self.type_lines(CREATE, psk="changed")
        self.assertNotEqual(ended.returncode, 0)
        self.assertEqual(list(self.directory.glob("arangodb*")), [])

    def test_a_path_that_selects_the_key(self) -> None:
        ended = subprocess.run(
            [str(self.path), f"--{self.core}-uri", f"{self.daemon.url}/psk/default", "--stdin"],
            cwd=self.directory, env=self.environ(), input="ca show\n", capture_output=True, text=True,
            timeout=DEADLINE.total_seconds(),
        )  # fmt: skip
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("subject: CN=pkid CA ", ended.stdout)

    def test_a_core_without_authentication(self) -> None:
        """It needs no key and no login."""
        self.daemon = start_daemon(self, "--psk", "")
        ended = self.type_lines(CREATE, psk="")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.check_files()

    def test_on_a_terminal(self) -> None:
        """It greets, stores the files and quits, and nothing goes wrong on the way, seen or unseen."""
        with Terminal(self.command(), self.directory, self.environ()) as terminal:
            terminal.expect("quit to leave.")
            terminal.expect("> ")
            terminal.type(CREATE)
            for line in RECEIVED:
                terminal.expect(line)
            terminal.expect("> ")
            terminal.type("help certificate")
            terminal.expect("It needs the permission admin.")
            terminal.expect("> ")
            terminal.type("quit")
            self.assertEqual(terminal.wait(), 0, terminal.shown)
        for bad in ("Traceback", "ERROR", "Can not load", "Exception"):
            self.assertNotIn(bad, terminal.shown)
        self.check_files()


class FixShell(ShellTests, Case):
    """The shell of Fix Inventory."""

    environment = FIX_INVENTORY
    program = "fixsh"
    core = "fixcore"
    variable = "FIXSHELL_PSK"


class ResotoShell(ShellTests, Case):
    """The shell of Resoto."""

    environment = RESOTO
    program = "resh"
    core = "resotocore"
    variable = "RESOTOSHELL_PSK"


def names_of(path: Path) -> x509.SubjectAlternativeName:
    """Return the alternative names of the certificate in a file."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def handshake(certificate: Path, key: Path, authority: Path, name: str) -> str | None:
    """Let a server with this pair meet, in memory, a client that trusts only *authority* and wants *name*."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(authority))
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    unfinished = [client, server]
    for _ in range(4):
        for side in list(unfinished):
            try:
                side.do_handshake()
                unfinished.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not unfinished, "the handshake does not end"
    return client.version()
