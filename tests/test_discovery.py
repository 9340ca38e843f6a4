"""The names of the host that may stand in its certificate."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from threading import Event
from unittest.mock import patch

from pkid import discovery
from pkid.ca.names import Names
from pkid.discovery import discover, interface_addresses, own_names
from pkid.errors import Refused
from tests.support import Case


def found(names: list[str], addresses: list[str], dns: Sequence[str] = (), ip: Sequence[str] = ()) -> Names:
    return discover(dns, ip, find_names=lambda: names, find_addresses=lambda: addresses)


class DiscoverTests(Case):
    def test_loopback_comes_first_and_nothing_twice(self) -> None:
        names = found(["Core", "core.example", "core"], ["127.0.0.1", "192.0.2.1", "192.0.2.1", "::1"])
        self.assertEqual(names.dns, ("localhost", "core", "core.example"))
        self.assertEqual([str(ip) for ip in names.ip], ["127.0.0.1", "::1", "192.0.2.1"])

    def test_what_cannot_stand_in_a_certificate_is_left_out(self) -> None:
        odd = ["192.0.2.1", "-x", "a b", "", "x" * 64, "h\u00f6st", "0.0.0.0"]
        unreachable = ["fe80::1", "fe80::1%eth0", "169.254.1.1", "224.0.0.1", "0.0.0.0", "::", "nonsense"]
        self.assertEqual(found(odd, unreachable), found([], []))

    def test_configured_names_are_added(self) -> None:
        names = found(["core"], ["192.0.2.1"], ["Core.Example", "*.db.example"], ["2001:db8::1", "192.0.2.1"])
        self.assertEqual(names.dns, ("localhost", "core", "core.example", "*.db.example"))
        self.assertEqual(names.ip[2:], (ip_address("192.0.2.1"), ip_address("2001:db8::1")))

    def test_a_bad_configured_name_is_an_error(self) -> None:
        self.assertRaises(Refused, found, [], [], ["a b"])
        self.assertRaises(Refused, found, [], [], [], ["192.0.2.0/24"])

    def test_a_host_of_many_addresses(self) -> None:
        names = found([], [f"192.0.2.{n}" for n in range(1, 255)], [], ["198.51.100.1"])
        self.assertEqual(len(names.ip), 2 + 64 + 1)
        self.assertIn(ip_address("198.51.100.1"), names.ip)


class HostTests(Case):
    def test_this_host(self) -> None:
        self.assertIn(socket.gethostname(), own_names())
        self.assertIn("127.0.0.1", interface_addresses())
        for address in interface_addresses():
            ip_address(address.partition("%")[0])

    def test_a_name_server_that_does_not_answer_costs_a_moment(self) -> None:
        self.patch(discovery, "_PATIENCE", 0.01)
        answered = Event()
        self.addCleanup(answered.set)

        def ask(*_: object, **__: object) -> list[tuple[object, ...]]:
            answered.wait(5)
            return [(2, 1, 6, "late.example", ("192.0.2.1", 0))]

        with patch.object(socket, "getaddrinfo", ask):
            self.assertEqual(own_names(), [socket.gethostname()])

    def test_the_canonical_name(self) -> None:
        found = [(2, 1, 6, "core.example", ("192.0.2.1", 0)), (2, 2, 17, "", ("192.0.2.1", 0))]
        with patch.object(socket, "getaddrinfo", return_value=found):
            self.assertEqual(own_names(), sorted({socket.gethostname(), "core.example"}))

    def test_a_name_server_that_knows_nothing(self) -> None:
        with patch.object(socket, "getaddrinfo", side_effect=socket.gaierror):
            self.assertEqual(own_names(), [socket.gethostname()])
