"""Components of Fix Inventory and a core with an operator's own CA: below a root, or the original's, moved in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pkid.ca.pem import read_certificates, write_certificates, write_key
from tests.certificates import authority
from tests.daemon import start_daemon
from tests.interop.components import fingerprint, load
from tests.interop.core import PSK, WITH_PSK
from tests.interop.environments import FIX_INVENTORY
from tests.interop.openssl import openssl
from tests.support import Case

BOOTSTRAP = """\
from fixlib.x509 import bootstrap_ca, write_cert_to_file, write_key_to_file
key, certificate = bootstrap_ca()
write_key_to_file(key, "ca.key", passphrase="open sesame")
write_cert_to_file(certificate, "ca.crt")
"""

PING = """\
import sys, requests
print(requests.get(sys.argv[1] + "/system/ping", verify=sys.argv[2], timeout=10).text)
"""


class OwnAuthorityCase(Case):
    def setUp(self) -> None:
        FIX_INVENTORY.python()
        self.directory = Path(self.mktemp()).resolve()
        self.directory.mkdir(parents=True)

    def start(self, *options: str) -> None:
        files = ("--ca-cert", str(self.directory / "ca.crt"), "--ca-cert-key", str(self.directory / "ca.key"))
        self.daemon = start_daemon(self, *WITH_PSK, *files, *options)

    def run_it(self, client: str, *arguments: str) -> str:
        """Run a client that must succeed; return its output."""
        ended = FIX_INVENTORY.run(client, *arguments, directory=self.directory)
        self.assertEqual(ended.returncode, 0, f"{ended.stderr}\n{self.daemon.output}")
        return ended.stdout

    def bootstraps(self) -> None:
        """Check that a component trusts the root, gets its certificate over verified TLS, and can use both."""
        root = self.directory / "trusted.crt"
        expected = load(self.daemon.state / "ca.crt")
        shown = self.run_it("trust", "fixlib", self.daemon.url, PSK, root.name)
        self.assertEqual((shown.strip(), load(root)), (fingerprint(expected), expected))
        self.run_it("sign", "fixlib", self.daemon.url, PSK, root.name, "worker", "worker.example", "192.0.2.7")
        self.assertEqual(self.run_it("-c", PING, self.daemon.url, root.name), "pong\n")


class IntermediateTests(OwnAuthorityCase):
    def test_a_component_bootstraps_with_a_ca_below_a_root(self) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        valid = (now - timedelta(days=1), now + timedelta(days=300))
        issuer = authority("CN=Example Fleet", authority("CN=Example Root", valid=valid), valid=valid)
        (self.directory / "ca.crt").write_bytes(write_certificates(issuer.chain))
        (self.directory / "ca.key").write_bytes(write_key(issuer.key))
        self.start()
        self.bootstraps()
        between = self.directory / "between.crt"
        between.write_bytes(write_certificates(issuer.intermediates))
        options = ("-x509_strict", "-CAfile", self.daemon.state / "ca.crt", "-untrusted", between)
        done = openssl("verify", *options, self.directory / "component.crt")
        self.assertIn("component.crt: OK", done.stdout)


class OriginalTests(OwnAuthorityCase):
    def test_the_original_s_ca_moves_in_with_its_key(self) -> None:
        made = FIX_INVENTORY.run("-c", BOOTSTRAP, directory=self.directory)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.start("--ca-cert-key-pass", "open sesame")
        self.bootstraps()
        (certificate,) = read_certificates((self.directory / "component.crt").read_bytes())
        done = openssl("verify", "-CAfile", self.daemon.state / "ca.crt", self.directory / "component.crt")
        self.assertIn("component.crt: OK", done.stdout)
        self.assertEqual(certificate.issuer, load(self.directory / "ca.crt").subject)
        self.assertEqual(self.daemon.output.count("no subject key identifier"), 1)
