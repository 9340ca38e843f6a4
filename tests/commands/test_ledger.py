"""``certificate list`` and ``certificate show``: what the ledger holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.commands.writing import text_of
from pkid.errors import Malformed
from tests.certificates import NOON
from tests.commands.case import ADMIN, READER, CommandCase
from tests.store.entries import entry

CREATE = "certificate create --key-type p256 --common-name"


class ListTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        ends = {"web-1": 3, "web-2": 40, "web%": 50, "old": -1, "now": 30}
        entries = [
            entry(number, name=name, not_after=NOON + timedelta(days=days))
            for number, (name, days) in enumerate(ends.items(), 1)
        ]
        self.store.transact_now(lambda ledger: ledger.record(entries))

    def names(self, text: str) -> list[str]:
        return [item["name"] for item in self.items(f"certificate list {text}", READER) if not isinstance(item, str)]

    def test_all_by_their_ends(self) -> None:
        self.assertEqual(self.names(""), ["old", "web-1", "now", "web-2", "web%"])

    def test_by_name(self) -> None:
        self.assertEqual(self.names("--name web-1"), ["web-1"])
        self.assertEqual(self.names("--name 'web*'"), ["web-1", "web-2", "web%"])
        self.assertEqual(self.names("--name web%"), ["web%"])
        self.assertEqual(self.names("--name null"), [])

    def test_by_their_ends(self) -> None:
        self.assertEqual(self.names("--expiring-within 30d"), ["web-1", "now"])
        self.assertEqual(self.names("--expiring-within 2w --name web-*"), ["web-1"])
        self.assertEqual(self.names("--expired"), ["old"])

    def test_what_is_no_time(self) -> None:
        for word in ("30", "x", "-3d", "0d", "999999999w"):
            self.assertRaises(
                Malformed, self.interpreter.prepare, f"certificate list --expiring-within {word}", ADMIN, ""
            )
        self.failureResultOf(self.start("certificate list --expired --expiring-within 3d"), Malformed)

    def test_filters_follow(self) -> None:
        self.assertEqual(self.items("certificate list | count")[0], "total matched: 5")
        self.assertEqual(self.items("certificate list | head 1 | list name"), ["name=old"])


class ShowTests(CommandCase):
    def show(self, text: str) -> Mapping[str, Any]:
        (found,) = self.items(f"certificate show {text}", READER)
        assert not isinstance(found, str)
        return found

    def test_everything(self) -> None:
        self.files(f"{CREATE} a.example --dns-names a.example --ip-addresses 192.0.2.1")
        (made,) = self.store.entries
        found = self.show("a.example")
        self.assertEqual(found["serial"], f"{made.serial:040x}")
        self.assertEqual((found["subject"], found["key"]), ("CN=a.example", "EC, secp256r1"))
        self.assertEqual((found["dns_names"], found["ip_addresses"]), (["a.example"], ["192.0.2.1"]))
        self.assertEqual((found["identity"], found["expired"], found["renews"]), (None, False, []))
        self.assertNotIn("kind", found)
        self.assertIn("\ndns_names: a.example\n", text_of(found))
        self.assertIn("\nrenewed_by: none", text_of(found))

    def test_by_its_serial_number_in_every_form(self) -> None:
        self.files(f"{CREATE} a.example")
        (made,) = self.store.entries
        digits = f"{made.serial:x}"
        octets = f"{made.serial:040x}".upper()
        for text in (digits, f"0x{digits}", octets, ":".join(octets[i : i + 2] for i in range(0, 40, 2))):
            self.assertEqual(self.show(text)["serial"], f"{made.serial:040x}", text)

    def test_the_newest_of_a_name(self) -> None:
        self.files(f"{CREATE} a.example")
        first = self.store.entries[0]
        der = first.certificate
        later = entry(7, name="a.example", issued_at=NOON + timedelta(days=1), certificate=der)
        self.store.transact_now(lambda ledger: ledger.record([later]))
        self.assertEqual(self.show("a.example")["serial"], f"{7:040x}")

    def test_a_name_of_many_digits(self) -> None:
        self.files(f"{CREATE} deadbeefdeadbeefdeadbeef")
        self.assertEqual(self.show("deadbeefdeadbeefdeadbeef")["name"], "deadbeefdeadbeefdeadbeef")

    def test_the_certificate_itself(self) -> None:
        self.files(f"{CREATE} a.example")
        (text,) = self.items("certificate show a.example --pem", READER)
        loaded = x509.load_pem_x509_certificate(str(text).encode())
        self.assertEqual(loaded.public_bytes(Encoding.DER), self.store.entries[0].certificate)

    def test_what_there_is_not(self) -> None:
        for name in ("b.example", "f" * 39, "f" * 40, "0" * 40, "null", "'*'"):
            failure = self.failureResultOf(self.start(f"certificate show {name}"), Malformed)
            self.assertIn("there is no certificate with the serial number or name", failure.getErrorMessage())


class ChainTests(CommandCase):
    def test_renewals_are_told_both_ways(self) -> None:
        self.files(f"{CREATE} a.example")
        first = self.store.entries[0]
        chain = [
            entry(number, renews=number - 1 if number > 2 else first.serial, certificate=first.certificate)
            for number in (2, 3, 4)
        ]
        self.store.transact_now(lambda ledger: ledger.record(chain))
        (found,) = self.items(f"certificate show {3:040x}")
        assert not isinstance(found, str)
        self.assertEqual(found["renews"], [f"{2:040x}", f"{first.serial:040x}"])
        self.assertEqual(found["renewed_by"], [f"{4:040x}"])
