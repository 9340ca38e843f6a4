"""What values the settings accept."""

from __future__ import annotations

from datetime import timedelta

from pkid.messaging.rates import Rates
from tests.settings.case import SettingsCase


class KindTests(SettingsCase):
    def test_durations(self) -> None:
        for written, seconds in (
            ("120s", 120),
            ("2m", 120),
            ("15m", 900),
            ("12h", 43200),
            ("30d", 2592000),
            ("3650d", 315360000),
        ):
            self.assertEqual(self.resolve({"leaf-lifetime": written}).leaf_lifetime, timedelta(seconds=seconds))

    def test_no_durations(self) -> None:
        for written in ("", "5", "m", "5 m", "-5m", "5w", "1.5h", "1h30m", "\u0663\u0660d", "5m\n", "9999999999d"):
            message = self.refused({"leaf-lifetime": written})
            self.assertEqual(
                message, f"--leaf-lifetime must be a number and a unit, such as 90s, 15m, 12h or 30d, not {written!r}"
            )

    def test_lifetimes_out_of_range(self) -> None:
        for written in ("119s", "1m", "0d", "3651d", "999999999d"):
            message = self.refused({"leaf-lifetime": written})
            self.assertEqual(message, f"--leaf-lifetime must be at least 2m and at most 3650d, not '{written}'")

    def test_key_types(self) -> None:
        for written in ("p256", "p384", "rsa2048", "rsa3072", "rsa4096", "ed25519"):
            self.assertEqual(self.resolve({"ca-key-type": written}).ca_key_type, written)
        self.assertEqual(
            self.refused({"ca-key-type": "P256"}),
            "--ca-key-type must be one of p256, p384, rsa2048, rsa3072, rsa4096, ed25519, not 'P256'",
        )

    def test_trust_domains(self) -> None:
        for written in ("pkid.internal", "a", "a_b-c.1", "a" * 255):
            self.assertEqual(self.resolve({"trust-domain": written}).trust_domain, written)
        for written in ("", "Example.org", "a/b", "a" * 256, "spiffe://a", "a b"):
            message = self.refused({"trust-domain": written})
            self.assertEqual(message, f"--trust-domain must be 1 to 255 of a-z, 0-9, '.', '-' and '_', not {written!r}")

    def test_host_names(self) -> None:
        for written in ("A.example b.example", "a.example,b.example", " a.example,\n b.example, a.example,"):
            self.assertEqual(self.resolve({"host-dns-names": written}).host_dns_names, ("a.example", "b.example"))
        self.assertEqual(self.resolve(environ={"PKID_HOST_DNS_NAMES": ""}).host_dns_names, ())
        for written in ("a..b", "192.0.2.1", "-a", "a\u00e4.example"):
            message = self.refused({"host-dns-names": f"ok.example {written}"})
            self.assertEqual(message, f"--host-dns-names holds {written!r}, which is not a host name")

    def test_addresses(self) -> None:
        settings = self.resolve({"host-ip-addresses": "192.0.2.1, 2001:DB8:0:0::1 2001:db8::1"})
        self.assertEqual(settings.host_ip_addresses, ("192.0.2.1", "2001:db8::1"))
        for written in ("192.0.2.0/24", "a.example", "fe80::1%eth0", "1.2.3", "0.0.0.0"):
            message = self.refused({"host-ip-addresses": written})
            self.assertEqual(message, f"--host-ip-addresses holds '{written}', which is not the IP address of one host")

    def test_endpoints(self) -> None:
        for written in (
            "tcp:8900",
            "tcp:0",
            "tcp:65535:interface=127.0.0.1",
            r"tcp:8900:interface=\:\:1",
            "tcp6:8900",
            "unix:/run/pkid/https:mode=660",
            "haproxy:tcp:8900",
        ):
            self.assertEqual(self.resolve({"https": written}).https, written)

    def test_each_door_may_be_off_and_one_stays_open(self) -> None:
        self.assertEqual(self.resolve({"https": "off"}).https, "off")
        self.assertEqual(self.resolve({"line": "off"}).line, "off")
        doors = dict.fromkeys(("https", "line", "rembus-wss"), "off")
        for door in (*doors, "rembus-ws", "rembus-tls", "rembus-tcp"):
            self.resolve(doors | {door: "tcp:1"})
        message = self.refused(doors)
        self.assertTrue(message.endswith(" --rembus-tcp are all off; leave one door open"), message)

    def test_counts_and_sizes(self) -> None:
        for written, number in (("0", 0), ("64", 64), ("64k", 65536), ("2m", 2 << 20), ("1g", 1 << 30)):
            self.assertEqual(self.resolve({"byte-rate": written}).broker.rates.bytes, number)
        for written in ("", "-1", "1.5", "64K", "1 m", "1t", "9999999999"):
            self.assertIn("must be a number of bytes", self.refused({"byte-rate": written}))
        for written in ("", "-1", "1k", "9999999999"):
            self.assertIn("must be a whole number", self.refused({"command-rate": written}))
        self.assertEqual(self.configured("command-rate = 7\nbyte-rate = 8").broker.rates, Rates(7, 8))
        self.assertIn("must be a whole number", self.refused_file("command-rate = true"))

    def test_limits_of_the_broker_that_would_let_nobody_in(self) -> None:
        self.assertEqual(self.refused({"connections": "1"}), "--connections must be at least 2, not 1")
        self.assertIn("must be at least 4", self.refused({"connections-per-address": "3"}))
        self.assertIn("must be at least 65536", self.refused({"backlog": "64"}))

    def test_a_message_is_of_a_size_that_holds_commands_and_that_clients_take(self) -> None:
        self.assertIn("must be at least 65536", self.refused({"message-size": "65535"}))
        self.assertEqual(self.refused({"message-size": "65m"}), "--message-size must be at most 67108864, not 68157440")
        for written in ("64k", "64m"):
            self.assertTrue(self.resolve({"message-size": written}))

    def test_patterns(self) -> None:
        self.assertEqual(self.configured('retain = ["news/*", "a"]').broker.policy.retained[0].text, "news/*")
        self.assertIn("holds 'a//b', which is not a topic or a pattern", self.refused({"retain": "a//b"}))
        self.assertIn("must be an array of strings", self.refused_file("retain = 1"))

    def test_standard_input_is_no_endpoint(self) -> None:
        self.assertIn("standard input", self.refused({"https": "stdio:"}))

    def test_no_endpoints(self) -> None:
        for written in ("", "8900", "tcp", "tcp:", "tcp:https", "udp:8900", "tcp:8900:colour=red", "tcp:8900\\", "Off"):
            self.assertEqual(
                self.refused({"https": written}),
                "--https must be an endpoint such as tcp:8900, tcp:8900:interface=127.0.0.1 or unix:/run/pkid/https,"
                f" not {written!r}",
            )

    def test_unescaped_colons(self) -> None:
        self.assertIn(r"write each colon of an address as \:", self.refused({"https": "tcp:8900:interface=::1"}))

    def test_ports_out_of_range(self) -> None:
        for written in ("tcp:65536", "tcp:-1", "tcp6:70000:backlog=5", "tcp:interface=127.0.0.1:port=65536"):
            self.assertEqual(
                self.refused({"https": written}), f"--https must have a port of 0 to 65535, not '{written}'"
            )

    def test_endpoints_with_their_own_tls(self) -> None:
        for written in ("ssl:8900", "tls:/etc/certificates:port=443"):
            self.assertIn("must be without TLS", self.refused({"https": written}))

    def test_sockets_that_systemd_did_not_pass_on(self) -> None:
        for written in ("systemd:domain=INET6:name=nowhere", "systemd:domain=INET:index=999"):
            self.assertIn("names a socket that systemd did not pass on", self.refused({"https": written}))
