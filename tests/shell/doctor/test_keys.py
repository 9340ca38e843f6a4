"""Keys and certificates, as the doctor judges them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from pkid.ca.keys import KeyType, PrivateKey
from pkid.ca.request import read_request
from pkid.shell.doctor.finding import Finding
from pkid.shell.doctor.keys import (
    Pair,
    check_authority,
    check_host,
    check_own,
    check_published,
    check_secret,
    read_pair,
)
from tests.certificates import NOON, SERIAL, csr_pem, private_key, profile, root
from tests.support import Case

OTHER = private_key(owner="other")


def severities(findings: Iterable[Finding]) -> list[str]:
    return [finding.severity.value for finding in findings]


def pem(key: PrivateKey, *chain: x509.Certificate, passphrase: str | None = None) -> bytes:
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase:
        encryption = BestAvailableEncryption(passphrase.encode())
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return written + b"".join(each.public_bytes(Encoding.PEM) for each in chain)


def leaf(*names: str) -> x509.Certificate:
    return root().sign(profile().check(read_request(csr_pem(dns=names))), NOON, SERIAL)


class SecretTests(Case):
    def test_only_a_good_key_is_good(self) -> None:
        for content, severity in (
            (b"a good pre-shared key, 1\n", "ok"),
            (b"changeme\n", "problem"),
            (b"short\n", "problem"),
            (b"", "problem"),
            (b"\xff" * 20, "problem"),
            (b"two lines of a key\nare not one\n", "problem"),
        ):
            finding = check_secret(content)
            self.assertEqual(finding.severity.value, severity, content)
            self.assertNotIn("changeme", finding.what + finding.remedy)


class PairTests(Case):
    def test_a_file_with_a_key_and_certificates_is_read(self) -> None:
        for kind in KeyType:
            pair = read_pair(pem(private_key(kind), root().certificate))
            assert pair is not None and pair.key is not None
            self.assertEqual(pair.chain, (root().certificate,))
            self.assertNotIn("PrivateKey", repr(pair))

    def test_an_encrypted_key_is_not_read_and_its_certificate_is(self) -> None:
        pair = read_pair(pem(root().key, root().certificate, passphrase="secret"))
        self.assertEqual(pair, Pair(None, (root().certificate,)))

    def test_anything_else_is_damaged(self) -> None:
        whole = pem(root().key, root().certificate)
        for content in (b"", b"junk", whole[:100], root().certificate.public_bytes(Encoding.PEM), whole[:-100]):
            self.assertIsNone(read_pair(content))


class AuthorityTests(Case):
    def check(self, pair: Pair | None, later: timedelta = timedelta(0)) -> list[str]:
        return severities(check_authority(pair, NOON + later))

    def test_a_current_pair_is_well(self) -> None:
        self.assertEqual(self.check(Pair(root().key, (root().certificate,))), ["ok", "ok"])

    def test_an_encrypted_key_is_well_and_an_open_one_gets_an_advice(self) -> None:
        self.assertEqual(self.check(Pair(None, (root().certificate,))), ["ok", "ok"])
        finding, _ = check_authority(Pair(root().key, (root().certificate,)), NOON)
        self.assertIn("pkid ca passphrase", finding.remedy)

    def test_a_key_that_does_not_fit_is_a_problem(self) -> None:
        self.assertEqual(self.check(Pair(OTHER, (root().certificate,))), ["problem", "ok"])

    def test_its_end_is_told_in_time(self) -> None:
        pair = Pair(root().key, (root().certificate,))
        left = root().certificate.not_valid_after_utc - NOON
        second = timedelta(seconds=1)
        self.assertEqual(self.check(pair, left - timedelta(days=90)), ["ok", "ok"])
        self.assertEqual(self.check(pair, left - timedelta(days=90) + second), ["ok", "warning"])
        self.assertEqual(self.check(pair, left - second), ["ok", "warning"])
        self.assertEqual(self.check(pair, left), ["ok", "problem"])

    def test_one_from_the_future_is_a_matter_of_the_clock(self) -> None:
        *_, finding = check_authority(Pair(root().key, (root().certificate,)), NOON - timedelta(days=366))
        self.assertEqual((finding.severity.value, "clock" in finding.remedy), ("problem", True))

    def test_a_damaged_file_is_a_problem(self) -> None:
        self.assertEqual(self.check(None), ["problem"])

    def test_the_copy_for_everybody_is_compared(self) -> None:
        pair = Pair(root().key, (root().certificate,))
        self.assertEqual(check_published(pair, [root().certificate]).severity.value, "ok")
        self.assertEqual(check_published(None, [root().certificate]).severity.value, "ok")
        self.assertEqual(check_published(pair, [leaf("a.example")]).severity.value, "warning")
        self.assertEqual(check_published(pair, []).severity.value, "warning")

    def test_the_copy_is_of_the_ca_that_issues_whichever_is_stored(self) -> None:
        pair, own = Pair(root().key, (root().certificate,)), leaf("own")
        for published, expected in ((own, "ok"), (root().certificate, "warning")):
            self.assertEqual(check_published(pair, [published], own).severity.value, expected)


class HostTests(Case):
    def check(
        self, pair: Pair | None, authority: x509.Certificate, later: timedelta = timedelta(0), running: bool = True
    ) -> list[str]:
        return severities(check_host(pair, [authority], NOON + later, running))

    def test_a_current_pair_of_this_ca_for_localhost_is_well(self) -> None:
        pair = Pair(private_key(), (leaf("localhost", "core.example"),))
        self.assertEqual(self.check(pair, root().certificate), ["ok", "ok"])

    def test_names_are_told(self) -> None:
        pair = Pair(private_key(), (leaf("core.example"),))
        self.assertEqual(self.check(pair, root().certificate), ["ok", "warning"])
        *_, finding = check_host(Pair(private_key(), (leaf("localhost"),)), [], NOON, True)
        self.assertIn("localhost", finding.what)

    def test_another_cas_is_seen(self) -> None:
        pair = Pair(private_key(), (leaf("localhost"),))
        self.assertEqual(self.check(pair, root(KeyType.RSA2048).certificate), ["warning", "ok", "ok"])

    def test_a_running_core_should_have_renewed_it(self) -> None:
        pair = Pair(private_key(), (leaf("localhost"),))
        late = timedelta(days=365)
        self.assertEqual(self.check(pair, root().certificate, late), ["problem", "ok"])
        self.assertEqual(self.check(pair, root().certificate, late, running=False), ["warning", "ok"])
        self.assertEqual(self.check(pair, root().certificate, late - timedelta(seconds=1)), ["ok", "ok"])

    def test_one_of_the_operators_own(self) -> None:
        certificate = leaf("core.example")
        left = certificate.not_valid_after_utc - NOON
        for later, severity in (
            (timedelta(0), "ok"),
            (left - timedelta(days=14), "ok"),
            (left - timedelta(days=13), "warning"),
            (left, "problem"),
        ):
            self.assertEqual(severities(check_own(certificate, NOON + later)), [severity, "ok"])

    def test_what_does_not_fit_or_is_damaged_is_a_problem(self) -> None:
        self.assertEqual(self.check(Pair(OTHER, (leaf("localhost"),)), root().certificate)[0], "problem")
        self.assertEqual(self.check(None, root().certificate), ["problem"])
