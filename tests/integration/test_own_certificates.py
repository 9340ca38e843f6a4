"""A real core with an operator's own CA and certificates: what clients see of them, and how they are replaced."""

from __future__ import annotations

import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

from cryptography import x509

from pkid.ca.issuer import Issuer
from pkid.ca.names import Names, TrustDomain
from pkid.ca.pem import read_certificates, write_certificates, write_key
from pkid.ca.profile import Profile
from pkid.client import get_ca_cert, get_signed_chain
from pkid.x509 import write_cert_to_file, write_key_to_file
from tests.certificates import authority, csr_pem, private_key
from tests.daemon import CHECKOUT, Daemon, DaemonFailed, start_daemon
from tests.integration.test_daemon import wait_for
from tests.interop.core import PSK, WITH_PSK, ask, bearer
from tests.interop.openssl import openssl
from tests.support import Case, require_program

GUIDE = CHECKOUT / "docs" / "operations.md"
NOW = datetime.now(UTC).replace(microsecond=0)
VALID = (NOW - timedelta(days=1), NOW + timedelta(days=300))


class OwnCase(Case):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).resolve()
        self.directory.mkdir(parents=True)
        self.top = authority("CN=Example Root", valid=VALID)
        self.middle = authority("CN=Example Middle", self.top, valid=VALID)
        self.own = authority("CN=Example Fleet", self.middle, valid=VALID)

    def put(self, name: str, key: Any, *chain: x509.Certificate, passphrase: str | None = None) -> tuple[str, str]:
        """Write certificates and their key as a careful operator does; return the two paths."""
        paths = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        contents = write_certificates(chain), write_key(key, passphrase)
        for path, content in zip(paths, contents, strict=True):
            new = path.with_suffix(".new")
            new.write_bytes(content)
            new.chmod(0o600)
            new.replace(path)
        return str(paths[0]), str(paths[1])

    def put_ca(self, issuer: Issuer, passphrase: str | None = None) -> tuple[str, ...]:
        certificate, key = self.put("ca", issuer.key, *issuer.chain, passphrase=passphrase)
        return "--ca-cert", certificate, "--ca-cert-key", key

    def put_host(self, issuer: Issuer, serial: int = 1 << 130) -> tuple[str, ...]:
        rules = Profile(TrustDomain("example.org"), timedelta(days=90), issuer.key.public_key())
        approved = rules.approve_core(private_key(owner="host").public_key(), Names(dns=("localhost",)))
        leaf = issuer.sign(approved, NOW, serial)
        certificate, key = self.put("host", private_key(owner="host"), leaf, *issuer.intermediates)
        return "--cert", certificate, "--cert-key", key

    def start(self, *options: str) -> Daemon:
        self.daemon = start_daemon(self, *WITH_PSK, *options)
        return self.daemon

    def root_file(self, issuer: Issuer) -> Path:
        path = self.directory / "trusted.crt"
        path.write_bytes(write_certificates([issuer.anchor]))
        return path

    def connect(self, trusted: Path) -> str:
        """Shake hands by the letter of RFC 5280; return what OpenSSL tells of it."""
        done = openssl(
            "s_client", "-connect", f"localhost:{self.daemon.port}", "-servername", "localhost", "-CAfile", trusted,
            "-verify_hostname", "localhost", "-verify_return_error", "-x509_strict", "-showcerts",
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("Verify return code: 0 (ok)", done.stdout)
        return done.stdout

    def shown(self) -> x509.Certificate:
        """Return the certificate that a new connection is shown."""
        return x509.load_pem_x509_certificate(
            ssl.get_server_certificate(("127.0.0.1", self.daemon.port), timeout=30).encode()
        )

    def hang_up(self, until: str) -> None:
        """Send SIGHUP; wait for a line that was not there before."""
        before = self.daemon.output.count(until)
        os.kill(self.daemon.pid, signal.SIGHUP)
        wait_for(lambda: self.daemon.output.count(until) > before)


class IntermediateTests(OwnCase):
    """The CA stands two below a root, and its key is encrypted."""

    def setUp(self) -> None:
        super().setUp()
        passphrase = self.directory / "pass"
        passphrase.write_text("open sesame\n")
        self.start(*self.put_ca(self.own, "open sesame"), "--ca-cert-key-pass-file", str(passphrase))
        self.trusted = self.root_file(self.own)

    def test_the_root_is_what_everybody_is_to_trust(self) -> None:
        answer = ask(self.daemon, "GET", "/ca/cert")
        self.assertEqual(answer.body, self.trusted.read_bytes())
        self.assertEqual((self.daemon.state / "ca.crt").read_bytes(), self.trusted.read_bytes())
        self.assertFalse((self.daemon.state / "ca.pem").exists())
        self.assertNotIn("open sesame", self.daemon.output)

    def test_openssl_and_curl_follow_the_chain_that_the_door_shows(self) -> None:
        shown = read_certificates(self.connect(self.trusted).encode())
        self.assertEqual(shown[1:], self.own.intermediates)
        curl = [require_program("curl"), "--silent", "--fail", "--cacert", str(self.trusted)]
        done = subprocess.run([*curl, f"{self.daemon.url}/system/ready"], capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, b"ok"), done.stderr)

    def test_what_is_signed_leads_to_the_root_with_what_comes_along(self) -> None:
        answer = ask(self.daemon, "POST", "/ca/sign", csr_pem(dns=["a.example"]), bearer())
        chain = read_certificates(answer.body)
        self.assertEqual(chain[1:], self.own.intermediates)
        self.verifies(chain)
        self.assertLess(chain[0].not_valid_after_utc, NOW + timedelta(days=301))

    def verifies(self, chain: tuple[x509.Certificate, ...]) -> None:
        leaf, between = self.directory / "leaf.crt", self.directory / "between.crt"
        leaf.write_bytes(write_certificates(chain[:1]))
        between.write_bytes(write_certificates(chain[1:]))
        for purpose in ("sslserver", "sslclient"):
            options = ("-x509_strict", "-purpose", purpose, "-CAfile", self.trusted, "-untrusted", between)
            done = openssl("verify", *options, leaf)
            self.assertEqual(done.stdout, f"{leaf}: OK\n")

    def test_a_script_gets_a_chain_and_serves_with_it_and_renews(self) -> None:
        trusted = get_ca_cert(self.daemon.url, PSK)
        self.assertEqual(trusted, self.own.anchor)
        key, (leaf, *between) = get_signed_chain("web.example", self.daemon.url, PSK, trusted)
        files = self.directory / "web.crt", self.directory / "web.key"
        write_cert_to_file(leaf, files[0], between)
        write_key_to_file(key, files[1])
        self.verifies(read_certificates(files[0].read_bytes()))
        context = ssl.create_default_context(cafile=str(self.trusted))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(*files)
        with closing(HTTPSConnection("localhost", self.daemon.port, context=context, timeout=30)) as connection:
            connection.request("POST", "/ca/renew", csr_pem(common_name="web.example", dns=["web.example"]))
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertEqual(read_certificates(answer.read())[1:], self.own.intermediates)

    def test_files_for_others_hold_the_chain(self) -> None:
        command = b"certificate create --common-name web.example --pem"
        headers = {**bearer(), "Content-Type": "text/plain", "Accept": "application/octet-stream"}
        answer = ask(self.daemon, "POST", "/cli/execute", command, headers)
        self.assertEqual(answer.status, 200, answer.body)
        self.verifies(read_certificates(answer.body))


class GuideTests(OwnCase):
    """The lines of ``docs/operations.md`` do what it says."""

    def test_the_ca_that_they_make_issues(self) -> None:
        section = GUIDE.read_text().partition("### Your CA\n")[2].partition("\n### ")[0]
        lines = re.findall(r"^\$ (.*)$", section, re.MULTILINE)
        *making, starting = lines
        require_program("openssl")
        done = subprocess.run(
            ["sh", "-e"], input="\n".join(making), cwd=self.directory, capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        options = starting.removeprefix("twistd -n --pidfile= pkid ").split()
        self.start(*(str(self.directory / each) if not each.startswith("--") else each for each in options))
        self.connect(self.directory / "root.crt")

    def test_the_passphrase_comes_changes_and_goes_beside_a_running_core(self) -> None:
        section = GUIDE.read_text().partition("### The passphrase of the stored CA\n")[2].partition("\n## ")[0]
        lines = re.findall(r"^\$ pkid (.*)$", section, re.MULTILINE)
        daemon = self.start()
        old, new = self.directory / "old", self.directory / "new"
        old.write_text("the passphrase of today\n")
        new.write_text("the passphrase of tomorrow\n")
        lines = [line.replace("~/.local/state/pkid", str(daemon.state)) for line in lines]
        self.change([*shlex.split(lines[0]), "--new-pass-file", str(old)])
        self.next_start("--ca-cert-key-pass-file", str(old))
        self.change(shlex.split(lines[1]))
        self.next_start(environment={"PKID_CA_CERT_KEY_PASS": new.read_text().strip()})
        self.change(shlex.split(lines[2]))
        self.next_start()
        self.assertNotIn("the passphrase of", self.daemon.output)

    def change(self, arguments: list[str]) -> None:
        """Change the passphrase while the core runs, which goes on."""
        done = subprocess.run(
            [sys.executable, "-m", "pkid.shell", *arguments],
            cwd=self.directory, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, capture_output=True, timeout=60,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(ask(self.daemon, "POST", "/ca/sign", csr_pem(), bearer()).status, 200)

    def next_start(self, *options: str, environment: dict[str, str] | None = None) -> None:
        """Start the same core again; without the passphrase that it needs, it does not start."""
        before = ask(self.daemon, "GET", "/ca/cert").body
        self.daemon.stop()
        state = self.daemon.state
        if options or environment:
            error = self.assertRaises(DaemonFailed, Daemon(state, *WITH_PSK).start)
            self.assertIn("holds an encrypted key; give its passphrase by --ca-cert-key-pass-file", str(error))
        self.daemon = Daemon(state, *WITH_PSK, *options, environment=environment)
        self.daemon.start()
        self.addCleanup(self.daemon.stop)
        self.assertEqual(ask(self.daemon, "GET", "/ca/cert").body, before)


class ReplacementTests(OwnCase):
    def test_a_ca_and_a_host_certificate_are_replaced_while_connections_live_on(self) -> None:
        self.start(*self.put_ca(self.own), *self.put_host(self.own))
        trusted = self.root_file(self.own)
        context = ssl.create_default_context(cafile=str(trusted))
        with closing(HTTPSConnection("localhost", self.daemon.port, context=context, timeout=30)) as connection:
            self.assertEqual(self.ping(connection), b"pong")
            first = self.shown()
            following = authority("CN=Example Next", valid=VALID)
            self.put_ca(following)
            self.put_host(following, serial=(1 << 130) + 1)
            self.hang_up("the certificate of --cert was replaced")
            self.assertNotEqual(self.shown(), first)
            self.connect(self.root_file(following))
            self.assertEqual(self.ping(connection), b"pong")
            body = ask(self.daemon, "GET", "/ca/cert").body
            self.assertEqual(body, write_certificates([following.certificate]))

    def ping(self, connection: HTTPSConnection) -> bytes:
        connection.request("GET", "/system/ping")
        return connection.getresponse().read()

    def test_the_core_s_own_certificate_follows_another_ca_and_old_ones_renew(self) -> None:
        self.start(*self.put_ca(self.own))
        body = ask(self.daemon, "POST", "/ca/sign", csr_pem(dns=["a.example"]), bearer()).body
        following = authority("CN=Example Next", valid=VALID)
        self.put_ca(following)
        self.hang_up("the core has a new certificate")
        trusted = self.root_file(following)
        self.connect(trusted)
        files = self.put("component", private_key(), *read_certificates(body))
        context = ssl.create_default_context(cafile=str(trusted))
        context.load_cert_chain(*files)
        with closing(HTTPSConnection("localhost", self.daemon.port, context=context, timeout=30)) as connection:
            connection.request("POST", "/ca/renew", csr_pem(dns=["a.example"]))
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            renewed = x509.load_pem_x509_certificate(answer.read())
        self.assertEqual(renewed.issuer, following.certificate.subject)

    def test_what_is_half_written_is_refused_in_one_line(self) -> None:
        self.start(*self.put_ca(self.own), *self.put_host(self.own))
        first = self.shown()
        for name in ("ca", "host"):
            (self.directory / f"{name}.crt").write_bytes(b"-----BEGIN CERTIFICATE-----\nMII")
        self.hang_up("the certificate of --cert was not replaced")
        self.assertEqual(self.shown(), first)
        self.assertEqual(ask(self.daemon, "POST", "/ca/sign", csr_pem(), bearer()).status, 200)
        self.assertEqual(self.daemon.output.count("the CA of --ca-cert was not replaced"), 1)
        self.assertNotIn("Traceback", self.daemon.output)
        self.put_ca(self.own)
        self.put_host(self.own, serial=(1 << 130) + 1)
        self.hang_up("the certificate of --cert was replaced")
        self.assertNotEqual(self.shown(), first)


class CombinationTests(OwnCase):
    def test_a_foreign_certificate_for_the_doors_beside_the_built_in_ca(self) -> None:
        public = authority("CN=Public", authority("CN=Public Root", valid=VALID), valid=VALID)
        self.start(*self.put_host(public))
        self.connect(self.root_file(public))
        self.assertIn("does not lead to the CA at /ca/cert", self.daemon.output)
        self.assertTrue((self.daemon.state / "ca.pem").exists())
        self.assertFalse((self.daemon.state / "host.pem").exists())
        self.assertRaises(ssl.SSLCertVerificationError, ask, self.daemon, "GET", "/ca/cert")

    def test_each_own_file_does_its_own_work(self) -> None:
        public = authority("CN=Public", valid=VALID)
        self.start(*self.put_ca(self.own), *self.put_host(public))
        trusted = self.root_file(public)
        self.connect(trusted)
        context = ssl.create_default_context(cafile=str(trusted))
        with closing(HTTPSConnection("localhost", self.daemon.port, context=context, timeout=30)) as connection:
            connection.request("GET", "/ca/cert")
            self.assertEqual(connection.getresponse().read(), write_certificates([self.own.anchor]))
            connection.request("POST", "/ca/sign", csr_pem(), bearer())
            leaf = x509.load_pem_x509_certificate(connection.getresponse().read())
            self.assertEqual(leaf.issuer, self.own.certificate.subject)

    def test_mistakes_stop_the_start_in_one_line(self) -> None:
        ca, host = self.put_ca(self.own), self.put_host(self.own)
        for options, words in (
            (ca[2:], "--ca-cert-key is given without --ca-cert"),
            (host[2:], "--cert-key is given without --cert"),
            (host[:2], "host.crt holds no PEM private key"),
            ((*ca[:3], host[3]), "ca.crt begins with a certificate that does not belong to the key in"),
            ((*host[:3], ca[3]), "host.crt begins with a certificate that does not belong to the key in"),
            (("--ca-cert", host[1], "--ca-cert-key", host[3]), "host.crt holds a certificate that is not"),
            (("--ca-cert", ca[3]), "ca.key holds a private key"),
        ):
            daemon = Daemon(self.directory / "state", *WITH_PSK, *options)
            said = str(self.assertRaises(DaemonFailed, daemon.start))
            self.assertIn(words, said)
            self.assertNotIn("Traceback", said)
