"""What the exporter is told, by the rule of all components."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from pkid.exporter.settings import METRICS, MetricsSettings, resolve
from pkid.settings import SettingsError
from pkid.settings.certificates import PairFiles
from tests.settings.case import GOOD, WORK
from tests.support import Case

FINGERPRINT = ":".join(["AB"] * 32)


class MetricsSettingsTests(Case):
    def resolve(
        self, flags: Mapping[str, str | bool] | None = None, environ: Mapping[str, str] | None = None
    ) -> MetricsSettings:
        return resolve({"psk": GOOD, **(flags or {})}, {"HOME": "/home/me", **(environ or {})}, Path.read_bytes, WORK)

    def refused(self, **flags: str | bool) -> str:
        with self.assertRaises(SettingsError) as caught:
            self.resolve({name.replace("_", "-"): value for name, value in flags.items()})
        self.assertNotIn("\n", str(caught.exception))
        return str(caught.exception)

    def test_nothing_but_the_key_is_needed(self) -> None:
        self.assertEqual(
            self.resolve(),
            MetricsSettings(
                state=Path("/home/me/.local/state/pkid-metrics"),
                core="https://localhost:8900",
                psk=GOOD,
                ca_cert=None,
                ca_fingerprint=None,
                interval=timedelta(seconds=30),
                listen="tcp:9955",
                tls=True,
                client_authentication=False,
                common_name="pkid-metrics",
                dns_names=(),
                ip_addresses=(),
                own=PairFiles(),
            ),
        )

    def test_every_setting(self) -> None:
        written = {
            "state": "/s",
            "core": "https://core.example/psk/autumn",
            "ca-fingerprint": FINGERPRINT.lower().replace(":", ""),
            "interval": "1m",
            "listen": "tcp:1",
            "client-auth": "required",
            "common-name": "exporter",
            "dns-names": "a.example b.example",
            "ip-addresses": "192.0.2.1",
        }
        expected = MetricsSettings(
            state=Path("/s"),
            core="https://core.example:443/psk/autumn",
            psk=GOOD,
            ca_cert=None,
            ca_fingerprint=FINGERPRINT,
            interval=timedelta(minutes=1),
            listen="tcp:1",
            tls=True,
            client_authentication=True,
            common_name="exporter",
            dns_names=("a.example", "b.example"),
            ip_addresses=("192.0.2.1",),
            own=PairFiles(),
        )
        self.assertEqual(self.resolve(written), expected)
        variables = {"PKID_METRICS_" + name.upper().replace("-", "_"): value for name, value in written.items()}
        self.assertEqual(self.resolve(environ=variables), expected)
        others = {"config", "psk", "psk-file", "ca-cert", "no-tls"}
        others |= {"cert", "cert-key", "cert-key-pass", "cert-key-pass-file"}
        self.assertEqual({*written, *others}, {setting.name for setting in METRICS.settings})

    def test_plain_text_and_a_ca_of_one_s_own_choice(self) -> None:
        settings = self.resolve({"no-tls": True, "ca-cert": "ca.crt"})
        self.assertEqual((settings.tls, settings.ca_cert), (False, WORK / "ca.crt"))

    def test_a_certificate_of_one_s_own(self) -> None:
        own = self.resolve({"cert": "/c", "cert-key": "/k", "cert-key-pass": "secret words"}).own
        self.assertEqual(own, PairFiles(Path("/c"), Path("/k"), "secret words"))

    def test_without_a_key_it_cannot_look(self) -> None:
        with self.assertRaises(SettingsError) as caught:
            resolve({}, {"HOME": "/home/me"}, Path.read_bytes, WORK)
        self.assertIn("--psk-file is needed", str(caught.exception))

    def test_a_key_that_is_easy_to_guess_is_the_core_s_business(self) -> None:
        self.assertEqual(self.resolve({"psk": "changeme"}).psk, "changeme")

    def test_no_message_and_no_repr_holds_the_key(self) -> None:
        self.assertNotIn(GOOD, repr(self.resolve()))
        self.assertNotIn(GOOD, self.refused(core="nonsense"))

    def test_what_cannot_be_used(self) -> None:
        for setting, value, problem in (
            ("core", "core.example", "--core must be an address such as https://core.example:8900"),
            ("interval", "0s", "--interval must be at least 1s"),
            ("interval", "often", "--interval must be a number and a unit"),
            ("ca_fingerprint", "AB:CD", "--ca-fingerprint is not the SHA-256"),
            ("client_auth", "maybe", "--client-auth must be one of none, required"),
            ("common_name", "a\nb", "--common-name must be a common name"),
            ("dns_names", "a b!", "--dns-names holds 'b!'"),
            ("listen", "off", "--listen cannot be off"),
            ("psk", "", "--psk is empty"),
        ):
            self.assertIn(problem, self.refused(**{setting: value}), setting)

    def test_what_excludes_each_other(self) -> None:
        self.assertIn("needs TLS", self.refused(client_auth="required", no_tls=True))
        self.assertIn("needs TLS", self.refused(cert="/c", no_tls=True))
        self.assertIn("leave it or --cert out", self.refused(cert="/c", client_auth="required"))
        self.assertIn("is given without --cert", self.refused(cert_key="/k"))
        self.assertIn("exclude each other", self.refused(ca_cert="/c", ca_fingerprint=FINGERPRINT))
