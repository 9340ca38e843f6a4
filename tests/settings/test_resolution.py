"""Which source is the stronger, what the defaults are, and that the example says so."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

from pkid.auth.psk import Terms
from pkid.broker.policy import Choice, Duplicates, Overflow, Policy
from pkid.broker.topic import Pattern
from pkid.ca.names import DEFAULT_TRUST_DOMAIN
from pkid.messaging.occupancy import Places
from pkid.messaging.rates import Rates
from pkid.messaging.terms import Keeping
from pkid.messaging.terms import Terms as BrokerTerms
from pkid.settings.auth import DEFAULTS, Chosen
from pkid.settings.certificates import PairFiles
from pkid.settings.resolution import Settings
from pkid.settings.table import CORE
from tests.settings.case import GOOD, SettingsCase

BROKER = {
    "line": "tcp:2",
    "authenticated": "yes",
    "open-tenants": "yes",
    "private-topics": "1",
    "retain": "news/** alarm",
    "keep-messages": "1h",
    "kept-size": "10m",
    "message-size": "64m",
    "backlog": "128k",
    "overflow": "disconnect",
    "duplicates": "refuse",
    "exposer": "less-busy",
    "command-rate": "100",
    "byte-rate": "64k",
    "connections": "100",
    "connections-per-address": "40",
}
BROKER_TERMS = BrokerTerms(
    Policy(
        authenticated=True,
        claimed_tenants=True,
        login_time=timedelta(minutes=1),
        duplicates=Duplicates.REFUSE,
        choice=Choice.LESS_BUSY,
        backlog_bytes=128 << 10,
        overflow=Overflow.DISCONNECT,
        retained=(Pattern("news/**"), Pattern("alarm")),
    ),
    private_by_default=True,
    message_size=64 << 20,
    places=Places(100, 50, 40, 10),
    rates=Rates(100, 64 << 10),
    keeping=Keeping(timedelta(hours=1), 10 << 20),
)
EXAMPLE = Path(__file__).parent.parent.parent / "etc" / "pkid.toml"


class DefaultsTests(SettingsCase):
    def test_nothing_given(self) -> None:
        self.assertEqual(
            self.resolve(),
            Settings(
                state=Path("/home/me/.local/state/pkid"),
                psk=None,
                psk_source="",
                authentication=True,
                psk_terms=Terms(),
                psks=(),
                allow_weak_psk=False,
                strict_tokens=False,
                https="tcp:8900",
                tls=True,
                host_dns_names=(),
                host_ip_addresses=(),
                open_metrics=False,
                host=PairFiles(),
                ca=PairFiles(),
                ca_key_type="p256",
                trust_domain=None,
                leaf_lifetime=timedelta(days=365),
                forbid_core_names=False,
                keep_expired=timedelta(days=90),
                line="tcp:8910",
                rembus_wss="tcp:8338",
                rembus_ws="off",
                rembus_tls="off",
                rembus_tcp="off",
                keystore=PairFiles(),
                auth=DEFAULTS,
                broker=BrokerTerms(Policy(login_time=timedelta(minutes=1))),
            ),
        )

    def test_state_directory_of_systemd_is_the_first_of_a_list(self) -> None:
        settings = self.resolve(environ={"STATE_DIRECTORY": "/var/lib/pkid:/var/lib/b", "XDG_STATE_HOME": "/x"})
        self.assertEqual(settings.state, Path("/var/lib/pkid"))

    def test_state_under_xdg_state_home(self) -> None:
        self.assertEqual(self.resolve(environ={"XDG_STATE_HOME": "/x"}).state, Path("/x/pkid"))

    def test_relative_xdg_state_home_is_ignored(self) -> None:
        self.assertEqual(self.resolve(environ={"XDG_STATE_HOME": "x"}).state, Path("/home/me/.local/state/pkid"))

    def test_state_is_needed_without_home(self) -> None:
        self.assertIn("--state is needed", self.refused(None, {"HOME": ""}))

    def test_state_without_home(self) -> None:
        self.assertEqual(self.resolve({"state": "/s"}, {"HOME": ""}).state, Path("/s"))


class PrecedenceTests(SettingsCase):
    def test_every_setting_by_flag_environment_and_file(self) -> None:
        values = {
            "state": "/s",
            "psk": GOOD,
            "allow-weak-psk": "yes",
            "strict-tokens": "1",
            "https": "tcp:1",
            "no-tls": "true",
            "host-dns-names": "a.example b.example",
            "host-ip-addresses": "192.0.2.1",
            "open-metrics": "yes",
            "cert": "/host.crt",
            "cert-key": "/host.key",
            "cert-key-pass": "of the host",
            "ca-cert": "/ca.crt",
            "ca-cert-key": "/ca.key",
            "ca-cert-key-pass": "of the CA",
            "ca-key-type": "rsa2048",
            "trust-domain": "example.org",
            "leaf-lifetime": "12h",
            "forbid-core-names": "TRUE",
            "keep-expired": "forever",
            "rembus-wss": "tcp:3",
            "rembus-ws": "tcp:4",
            "rembus-tls": "tcp:5",
            "rembus-tcp": "tcp:6",
            "auth": "none file:/names",
            **BROKER,
        }
        files = ("psk-file", "cert-key-pass-file", "ca-cert-key-pass-file")
        self.assertEqual({*values, "config", *files}, {setting.name for setting in CORE.settings})
        core = {"PKID_CORE_" + name.upper().replace("-", "_"): value for name, value in values.items()}
        plain = {"PKID_" + name.upper().replace("-", "_"): value for name, value in values.items()}
        toml = "\n".join(
            f'{name.replace("-", "_")} = "{value}"' for name, value in values.items() if "host" not in name
        )
        toml += '\nhost-dns-names = ["a.example", "b.example"]\nhost-ip-addresses = ["192.0.2.1"]'
        for settings in (
            self.resolve(
                {name: True if value in ("yes", "1", "true", "TRUE") else value for name, value in values.items()}
            ),
            self.resolve(environ=core),
            self.resolve(environ=plain),
            self.configured(toml),
        ):
            self.assertEqual(
                settings,
                Settings(
                    state=Path("/s"),
                    psk=GOOD,
                    psk_source=settings.psk_source,
                    authentication=True,
                    psk_terms=Terms(),
                    psks=(),
                    allow_weak_psk=True,
                    strict_tokens=True,
                    https="tcp:1",
                    tls=False,
                    host_dns_names=("a.example", "b.example"),
                    host_ip_addresses=("192.0.2.1",),
                    open_metrics=True,
                    host=PairFiles(Path("/host.crt"), Path("/host.key"), "of the host"),
                    ca=PairFiles(Path("/ca.crt"), Path("/ca.key"), "of the CA"),
                    ca_key_type="rsa2048",
                    trust_domain="example.org",
                    leaf_lifetime=timedelta(hours=12),
                    forbid_core_names=True,
                    keep_expired=None,
                    auth=(Chosen("file", "/names"),),
                    line="tcp:2",
                    rembus_wss="tcp:3",
                    rembus_ws="tcp:4",
                    rembus_tls="tcp:5",
                    rembus_tcp="tcp:6",
                    keystore=PairFiles(),
                    broker=BROKER_TERMS,
                ),
            )

    def test_flag_then_core_variable_then_variable_then_file_then_default(self) -> None:
        flag = {"config": "/c", "leaf-lifetime": "1h"}
        core, plain = {"PKID_CORE_LEAF_LIFETIME": "2h"}, {"PKID_LEAF_LIFETIME": "3h"}
        file, empty = {"/c": b'leaf-lifetime = "4h"'}, {"/c": b""}
        no_flag = {"config": "/c"}
        for hours, settings in (
            (1, self.resolve(flag, core | plain, file)),
            (2, self.resolve(no_flag, core | plain, file)),
            (3, self.resolve(no_flag, plain, file)),
            (4, self.resolve(no_flag, {}, file)),
            (365 * 24, self.resolve(no_flag, {}, empty)),
        ):
            self.assertEqual(settings.leaf_lifetime, timedelta(hours=hours))

    def test_false_in_the_environment_is_stronger_than_true_in_the_file(self) -> None:
        settings = self.resolve({}, {"PKID_NO_TLS": "no", "PKID_CONFIG": "/c"}, {"/c": b"no-tls = true"})
        self.assertTrue(settings.tls)

    def test_file_named_by_environment(self) -> None:
        environ = {"PKID_CORE_CONFIG": "/a", "PKID_CONFIG": "/b"}
        files = {"/a": b'trust-domain = "a"', "/b": b'trust-domain = "b"', "/c": b'trust-domain = "c"'}
        self.assertEqual(self.resolve({}, environ, files).trust_domain, "a")
        self.assertEqual(self.resolve({"config": "/c"}, environ, files).trust_domain, "c")
        self.assertEqual(self.resolve({}, {"PKID_CONFIG": "/b"}, files).trust_domain, "b")


class ExampleTests(SettingsCase):
    """``etc/pkid.toml`` holds every setting with its default."""

    def setUp(self) -> None:
        lines = EXAMPLE.read_text().splitlines()
        self.toml = "\n".join(line.removeprefix("#") for line in lines if not line.startswith("# "))

    def test_nothing_is_set(self) -> None:
        self.assertEqual(tomllib.loads(EXAMPLE.read_text()), {})

    def test_every_setting(self) -> None:
        self.assertEqual(list(tomllib.loads(self.toml)), [setting.name for setting in CORE.settings if setting.in_file])

    def test_the_defaults(self) -> None:
        without_key = "\n".join(
            line for line in self.toml.splitlines() if not line.startswith(("psk", "cert", "ca-cert", "trust-domain"))
        )
        self.assertEqual(self.configured(without_key), self.resolve())

    def test_the_default_trust_domain(self) -> None:
        self.assertEqual(tomllib.loads(self.toml)["trust-domain"], DEFAULT_TRUST_DOMAIN)
