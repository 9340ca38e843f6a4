"""``certificate renew``: the same names, a new key, a link to the former one."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pkid.auth.credentials import Member, Right
from pkid.ca.authority import Order
from pkid.ca.enrollment import Enrollment
from pkid.ca.keys import KeyType
from pkid.ca.names import Names
from pkid.ca.policy import ANY_NAME, Policy, Rules
from pkid.ca.trust import is_issued_by, names_of
from pkid.commands.interpreter import MissingRight
from pkid.errors import Malformed, Refused
from tests.audited import audited
from tests.certificates import NOON, profile, root
from tests.commands.case import READER, CommandCase
from tests.store.entries import entry

CREATE = "certificate create --key-type p256 --common-name"


class RenewalTests(CommandCase):
    def renew(self, text: str) -> x509.Certificate:
        """Renew a certificate; return the new one, whose key comes with it."""
        key, certificate = self.files(f"certificate renew {text}")
        loaded = x509.load_pem_x509_certificate(certificate.content)
        self.assertEqual(load_pem_private_key(key.content, None).public_key(), loaded.public_key())
        self.assertTrue(is_issued_by(loaded, root().certificate))
        return loaded

    def issue(self, common_name: str, names: Names) -> x509.Certificate:
        """Have a certificate signed as a component asks for it."""
        request = Enrollment(KeyType.P256.generate(), common_name, names).request()
        made = self.successResultOf(self.issuance.order(Order(request, "psk:default", ANY_NAME)))
        return x509.load_der_x509_certificate(made.certificate)

    def test_the_names_stay_and_the_key_does_not(self) -> None:
        self.files(f"{CREATE} a.example --dns-names a.example b.example --ip-addresses 192.0.2.1 ::1")
        former = x509.load_der_x509_certificate(self.store.entries[0].certificate)
        renewed = self.renew("a.example")
        self.assertEqual(names_of(renewed), names_of(former))
        self.assertEqual(renewed.subject, former.subject)
        self.assertNotEqual(renewed.public_key(), former.public_key())

    def test_the_ledger_links_the_two_and_keeps_the_former(self) -> None:
        self.files(f"{CREATE} a.example")
        with audited() as trail:
            self.renew("a.example")
        former, renewed = self.store.entries
        self.assertEqual((renewed.renews, renewed.name, renewed.origin), (former.serial, "a.example", "psk:default"))
        self.assertIn(f"renews={former.serial:x}", trail.lines[0])
        (shown,) = self.items(f"certificate show {former.serial:x}")
        assert not isinstance(shown, str)
        self.assertEqual(shown["renewed_by"], [f"{renewed.serial:040x}"])

    def test_by_its_serial_number(self) -> None:
        self.files(f"{CREATE} a.example")
        self.files(f"{CREATE} a.example --dns-names other.example")
        self.renew(f"{self.store.entries[0].serial:x}")
        self.assertEqual(self.store.entries[2].renews, self.store.entries[0].serial)

    def test_the_kind_of_key_stays_unless_another_is_asked_for(self) -> None:
        kinds = {"p256": ec.EllipticCurvePublicKey, "ed25519": ed25519.Ed25519PublicKey, "rsa2048": rsa.RSAPublicKey}
        for kind, wanted in kinds.items():
            self.files(f"certificate create --common-name {kind}.example --key-type {kind}")
            self.assertIsInstance(self.renew(f"{kind}.example").public_key(), wanted)
        self.assertIsInstance(self.renew("p256.example --key-type ed25519").public_key(), ed25519.Ed25519PublicKey)

    def test_the_form_and_the_time(self) -> None:
        self.files(f"{CREATE} a.example")
        (both,) = self.files("certificate renew a.example --pem --days-valid 3")
        self.assertEqual(both.name, "a.example.pem")
        renewed = x509.load_pem_x509_certificate(both.content)
        self.assertEqual(renewed.not_valid_after_utc, NOON + timedelta(days=3))

    def test_identities_and_certificates_without_a_common_name(self) -> None:
        for common_name, names in (
            ("web", Names(uri=("spiffe://pkid.internal/web-1",))),
            ("", Names(dns=("c.example",), uri=("spiffe://pkid.internal/web-2",))),
        ):
            former = self.issue(common_name, names)
            renewed = self.renew(f"{former.serial_number:x}")
            self.assertEqual((names_of(renewed), renewed.subject), (names, former.subject))

    def test_an_expired_one(self) -> None:
        self.files(f"{CREATE} a.example")
        first = self.store.entries[0]
        old = entry(5, name="old", not_after=NOON - timedelta(days=1), certificate=first.certificate)
        self.store.transact_now(lambda ledger: ledger.record([old]))
        self.renew("old")
        self.assertEqual(self.store.entries[2].renews, 5)

    def test_a_name_that_no_file_can_have(self) -> None:
        former = self.issue("a/b", Names(dns=("a.example",)))
        self.store.transact_now(lambda ledger: None)
        key, _ = self.files(f"certificate renew {former.serial_number:x}")
        self.assertRegex(key.name, r"^[0-9a-f]{40}\.key$|^a\.example\.key$")


class RefusalTests(CommandCase):
    def test_the_caller_s_policy_applies(self) -> None:
        self.files(f"{CREATE} a.example")
        narrow = Member("psk:narrow", frozenset(Right), Policy(dns=Rules(())))
        self.failureResultOf(self.start("certificate renew a.example", narrow), Refused)
        self.assertEqual(len(self.store.entries), 1)

    def test_the_rules_of_today_apply(self) -> None:
        self.files(f"{CREATE} a.example")
        self.authority.profile = profile(forbidden=Names(("a.example",)))
        self.failureResultOf(self.start("certificate renew a.example"), Refused)

    def test_readers_may_not(self) -> None:
        self.is_refused(MissingRight, ["certificate renew a.example"], "missing permission: admin", READER)

    def test_the_core_s_own(self) -> None:
        self.store.transact_now(lambda ledger: ledger.record([entry(5, name="pkid/core", profile="core")]))
        failure = self.failureResultOf(self.start("certificate renew pkid/core"), Malformed)
        self.assertEqual(failure.getErrorMessage(), "the core renews its own certificate by itself")

    def test_what_there_is_not(self) -> None:
        self.failureResultOf(self.start("certificate renew a.example"), Malformed)
