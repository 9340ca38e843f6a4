"""``twistd pkid-metrics`` beside a real core: its certificate, what it tells, and what it does when the core goes."""

from __future__ import annotations

import ssl
import time
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid.metrics.exposition import TEXT
from tests.certificates import csr_pem, private_key
from tests.daemon import Daemon, DaemonFailed, start_daemon
from tests.interop.core import PSK, WITH_PSK, ask, bearer
from tests.metrics.scrape import Samples, parse
from tests.support import Case

DEADLINE = 60.0  # seconds


class ExporterTests(Case):
    def setUp(self) -> None:
        self.core: Daemon = start_daemon(self, *WITH_PSK)

    def start(self, *options: str) -> Daemon:
        return start_daemon(
            self, "--core", self.core.url, "--interval", "1s", *options,
            environment={"PKID_METRICS_PSK": PSK}, program="pkid-metrics",
        )  # fmt: skip

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.core.state / "ca.crt"))

    def scrape(self, exporter: Daemon, context: ssl.SSLContext | None = None) -> Samples:
        connection = HTTPSConnection("localhost", exporter.port, context=context or self.context(), timeout=30)
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            self.assertEqual((response.status, response.headers["Content-Type"]), (200, TEXT))
            return parse(response.read())
        finally:
            connection.close()

    def scrape_until(self, exporter: Daemon, up: float, context: ssl.SSLContext | None = None) -> Samples:
        """Scrape again and again, as Prometheus does, until the core is seen as it is."""
        limit = time.monotonic() + DEADLINE
        while time.monotonic() < limit:
            try:
                seen = self.scrape(exporter, context)
            except ssl.SSLCertVerificationError:  # its certificate is still the stand-in
                continue
            if seen["pkid_up", frozenset()] == up:
                return seen
        raise AssertionError(f"the core was not seen as {up}:\n{exporter.output}")

    def test_it_tells_what_the_core_knows_over_tls_of_its_own(self) -> None:
        self.assertEqual(ask(self.core, "POST", "/ca/sign", csr_pem(dns=["a.example"]), bearer()).status, 200)
        self.assertEqual(ask(self.core, "POST", "/ca/sign", b"nonsense", bearer()).status, 400)
        seen = self.scrape_until(self.start(), up=1)

        def value(name: str, **labels: str) -> float:
            return seen[name, frozenset(labels.items())]

        self.assertEqual(value("pkid_inventory_certificates", profile="component"), 2)
        self.assertEqual(value("pkid_inventory_certificates_ending", profile="component", within="30d"), 0)
        self.assertEqual(value("pkid_inventory_credentials", credential="psk:default", role="admin"), 1)
        self.assertEqual(value("pkid_decisions_total", action="sign", result="denied", reason="not-pem"), 1)
        self.assertGreater(value("pkid_certificate_not_after_timestamp_seconds", certificate="ca"), time.time())
        self.assertGreater(value("pkid_metrics_certificate_not_after_timestamp_seconds"), time.time())

    def test_it_serves_what_it_saw_last_while_the_core_is_away(self) -> None:
        exporter = self.start()
        self.scrape_until(exporter, up=1)
        self.core.kill()
        seen = self.scrape_until(exporter, up=0)
        self.assertEqual(seen["pkid_inventory_certificates", frozenset({("profile", "component")})], 1)
        self.assertGreater(seen["pkid_observation_age_seconds", frozenset()], 0)

    def test_only_holders_of_a_certificate_are_served_if_that_is_asked_for(self) -> None:
        exporter = self.start("--client-auth", "required")
        key = private_key()
        answer = ask(self.core, "POST", "/ca/sign", csr_pem(key, dns=["prometheus.example"]), bearer())
        file = Path(self.mktemp())
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + answer.body)
        known = self.context()
        known.load_cert_chain(file)
        self.scrape_until(exporter, up=1, context=known)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.scrape(exporter)

    def test_a_key_that_may_only_observe_is_enough(self) -> None:
        key, config = Path(self.mktemp()), Path(self.mktemp())
        key.write_text("the pre-shared key of the exporter")
        config.write_text(f'[psks.metrics]\nfile = "{key.resolve()}"\nrole = "observe"\n')
        self.core = start_daemon(self, "--config", str(config.resolve()))
        exporter = start_daemon(
            self, "--core", self.core.url, "--psk-file", str(key.resolve()), "--interval", "1s", program="pkid-metrics"
        )
        seen = self.scrape_until(exporter, up=1)
        self.assertEqual(
            seen["pkid_inventory_credentials", frozenset({("credential", "psk:metrics"), ("role", "observe")})], 1
        )

    def test_a_certificate_of_one_s_own_is_shown(self) -> None:
        key = private_key()
        answer = ask(self.core, "POST", "/ca/sign", csr_pem(key, dns=["localhost"]), bearer())
        file = Path(self.mktemp()).resolve()
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + answer.body)
        file.chmod(0o600)
        exporter = self.start("--cert", str(file))
        seen = self.scrape_until(exporter, up=1)
        self.assertEqual(seen["pkid_inventory_certificates", frozenset({("profile", "component")})], 1)
        self.assertFalse((exporter.state / "certificate.pem").exists())

    def test_plain_text_is_served_if_that_is_asked_for(self) -> None:
        exporter = self.start("--no-tls")
        connection = HTTPConnection("localhost", exporter.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", "/metrics")
        self.assertEqual(connection.getresponse().status, 200)

    def test_the_state_directory_of_a_core_is_refused_with_one_line(self) -> None:
        exporter = Daemon(self.core.state, "--psk", PSK, program="pkid-metrics")
        with self.assertRaises(DaemonFailed):
            exporter.start()
        self.assertIn("pkid-metrics: ", exporter.output)
        self.assertIn("belongs to a core; choose another one with --state", exporter.output)
        self.assertNotIn("Traceback", exporter.output)
