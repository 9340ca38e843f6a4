"""The lines of the guide for scripts, typed, and the client's functions, with a real core."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkid.ca.enrollment import Enrollment
from pkid.ca.keys import KeyType, key_bytes
from pkid.client import Client, Rejected, UntrustedServer, WrongPreSharedKey, get_ca_cert, get_signed_cert
from pkid.x509 import load_cert_from_file, load_key_from_file
from tests.daemon import CHECKOUT, Daemon, start_daemon
from tests.support import Case, require_program

PSK = "a good pre-shared key, 1"
GUIDE = CHECKOUT / "docs" / "python.md"


class GuideTests(Case):
    """``docs/python.md`` does what it says."""

    def setUp(self) -> None:
        self.daemon = start_daemon(self, "--psk", "changeme", "--allow-weak-psk")
        self.directory = self.daemon.state.parent

    def typed(self, prompt: str) -> str:
        """Return the guide's lines after a prompt, with the address and the key of this core."""
        found = re.findall(rf"^{re.escape(prompt)} (.*)$", GUIDE.read_text(), re.MULTILINE)
        return "\n".join([*found, ""]).replace("https://localhost:8900", self.daemon.url)

    def run_typed(self, command: list[str], lines: str) -> str:
        ended = subprocess.run(
            command, input=lines, cwd=self.directory, env=environment(), capture_output=True, text=True, timeout=60
        )
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertNotIn("Traceback", ended.stderr)
        return ended.stdout

    def test_its_python_and_shell_lines_work_as_typed(self) -> None:
        for program in ("curl", "openssl"):
            require_program(program)
        lines = self.typed(">>>")
        self.assertIn("get_signed_cert", lines)
        shown = self.run_typed([sys.executable, "-i"], lines)
        self.assertRegex(shown, r"\{'Authorization': 'Bearer [\w.-]+'\}")
        authority = load_cert_from_file(self.directory / "pkid_ca.crt")
        self.assertEqual(authority, load_cert_from_file(self.daemon.state / "ca.crt"))
        key = load_key_from_file(self.directory / "web.key")
        certificate = load_cert_from_file(self.directory / "web.crt")
        self.assertEqual(key_bytes(key.public_key()), spki(certificate))
        self.assertEqual((self.directory / "web.key").stat().st_mode & 0o777, 0o600)
        said = self.run_typed(["sh", "-e"], f'python() {{ {shlex.quote(sys.executable)} "$@"; }}\n{self.typed("$")}')
        self.assertEqual(said, "okweb.crt: OK\ndb.crt: OK\n")


class CoreTests(Case):
    """The functions, with cores of several kinds."""

    def core(self, *options: str) -> Daemon:
        return start_daemon(self, "--psk", PSK, *options)

    def test_a_core_that_accepts_bound_tokens_only_signs(self) -> None:
        core = self.core("--strict-tokens", "--ca-key-type", "ed25519")
        authority = get_ca_cert(core.url, PSK)
        self.assertEqual(authority, load_cert_from_file(core.state / "ca.crt"))
        for kind in (KeyType.P256, KeyType.ED25519, KeyType.RSA2048):
            key, certificate = get_signed_cert(
                "worker", core.url, PSK, authority, ["Worker.Example"], ["192.0.2.7", "::1"], "worker-1", key_type=kind
            )
            self.assertEqual(key_bytes(key.public_key()), spki(certificate))
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            self.assertEqual(names.get_values_for_type(x509.DNSName), ["worker.example"])
            self.assertEqual(
                names.get_values_for_type(x509.UniformResourceIdentifier), ["spiffe://pkid.internal/worker-1"]
            )

    def test_clocks_may_differ_a_little(self) -> None:
        core = self.core("--strict-tokens")
        authority = get_ca_cert(core.url, PSK)
        for seconds in (-45, 45, 200):
            client = Client(core.url, PSK, now=partial(clock, seconds))
            enrollment = Enrollment.of(KeyType.P256.generate(), "worker.example")
            self.assertEqual(client.signed_chain(enrollment, authority)[0].issuer, authority.subject)

    def test_without_tls_the_core_still_proves_itself(self) -> None:
        core = self.core("--no-tls")
        url = core.url.replace("https:", "http:")
        authority = get_ca_cert(url, PSK)
        self.assertRaises(WrongPreSharedKey, get_ca_cert, url, "another pre-shared key, 2")
        _, certificate = get_signed_cert("worker.example", url, PSK, authority)
        self.assertEqual(certificate.issuer, authority.subject)

    def test_neither_a_wrong_key_nor_another_core_gets_anything(self) -> None:
        core, other = self.core(), self.core()
        self.assertRaises(WrongPreSharedKey, get_ca_cert, core.url, "another pre-shared key, 2")
        authority, others = get_ca_cert(core.url, PSK), get_ca_cert(other.url, PSK)
        self.assertNotEqual(authority, others)
        with self.assertRaises(Rejected) as caught:
            get_signed_cert("worker.example", core.url, "another pre-shared key, 2", authority)
        self.assertEqual(caught.exception.status, 401)
        with self.assertRaisesRegex(UntrustedServer, "self.signed|unable to get|signature"):
            get_signed_cert("worker.example", core.url, PSK, others)
        with self.assertRaises(Rejected) as caught:
            get_signed_cert("worker", core.url, PSK, authority, component="worker-1", trust_domain="other")
        self.assertEqual(caught.exception.code, "bad-identity")


def spki(certificate: x509.Certificate) -> bytes:
    """Return the public key in a certificate, in DER form."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def clock(ahead: float) -> float:
    """Tell the time by a clock that is so many seconds ahead."""
    return time.time() + ahead


def environment() -> dict[str, str]:
    """Return the test's environment, in which the package is found from everywhere."""
    return os.environ | {"PYTHONPATH": str(CHECKOUT)}
