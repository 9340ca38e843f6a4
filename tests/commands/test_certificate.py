"""``certificate create``: what it gives for what it is asked, and what it does not take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.internet.defer import CancelledError, Deferred, succeed

from pkid.ca.keys import KeyType
from pkid.ca.names import Names
from pkid.ca.trust import is_issued_by
from pkid.commands.command import File
from pkid.errors import Malformed, Reason, Refused, Unavailable
from tests.certificates import NOON, private_key, profile, root
from tests.commands.case import ADMIN, CommandCase

CREATE = "certificate create --key-type p256 --common-name"
NOT_PARSED = "^certificate can not parse arg create .*Reason: Could not parse arguments: "


class CertificateCase(CommandCase):
    def make(self, text: str) -> x509.Certificate:
        """Run a command that gives a key and its certificate; return the certificate."""
        key, certificate = self.files(text)
        loaded = x509.load_pem_x509_certificate(certificate.content)
        self.assertEqual(load_pem_private_key(key.content, None).public_key(), loaded.public_key())
        self.assertTrue(is_issued_by(loaded, root().certificate))
        return loaded

    def is_not_parsed(self, problem: str, *arguments: str) -> None:
        for each in arguments:
            with self.assertRaisesRegex(Malformed, NOT_PARSED + problem):
                self.interpreter.prepare(f"certificate create {each}", ADMIN, "192.0.2.1")


def names(certificate: x509.Certificate) -> list[str]:
    """Return the alternative names, in their order."""
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


class ContentTests(CertificateCase):
    def test_the_documented_line(self) -> None:
        text = "certificate create --common-name arangodb.local --dns-names arangodb.local localhost"
        key, certificate = self.files(f"{text} --ip-addresses 127.0.0.1")
        self.assertEqual((key.name, certificate.name), ("arangodb.local.key", "arangodb.local.crt"))
        self.assertTrue(key.content.startswith(b"-----BEGIN RSA PRIVATE KEY-----\n"))
        self.assertEqual(certificate.content.count(b"-----BEGIN"), 1)
        loaded = x509.load_pem_x509_certificate(certificate.content)
        self.assertEqual(loaded.subject.rfc4514_string(), "CN=arangodb.local")
        self.assertEqual(names(loaded), ["arangodb.local", "localhost", "127.0.0.1"])
        self.assertEqual(loaded.public_key().key_size, 2048)  # type: ignore[union-attr]

    def test_it_stands_in_the_ledger_for_the_caller(self) -> None:
        certificate = self.make(f"{CREATE} a.example")
        (entry,) = self.store.entries
        self.assertEqual((entry.credential, entry.name, entry.proven), ("psk:default", "a.example", False))
        self.assertEqual(entry.serial, certificate.serial_number)

    def test_the_common_name_becomes_a_name_if_there_is_no_other(self) -> None:
        self.assertEqual(names(self.make(f"{CREATE} A.example")), ["a.example"])
        self.assertEqual(names(self.make(f"{CREATE} a.example --dns-names b.example")), ["b.example"])
        self.assertEqual(names(self.make(f"{CREATE} a.example --ip-addresses ::1")), ["::1"])
        self.assertEqual(names(self.make(f'{CREATE} "no host" --dns-names b.example')), ["b.example"])

    def test_without_any_name_it_is_refused(self) -> None:
        self.failureResultOf(self.start(f'{CREATE} "no host"'), Refused)
        self.assertEqual(self.store.entries, [])

    def test_the_last_one_of_an_option_counts_and_options_may_be_written_short(self) -> None:
        text = f"{CREATE} a.example --dns=b.example --dns-names c.example d.example --days 3 --days-valid=2"
        certificate = self.make(text)
        self.assertEqual(names(certificate), ["c.example", "d.example"])
        self.assertEqual(certificate.not_valid_after_utc - NOON, timedelta(days=2))

    def test_how_long(self) -> None:
        for text, lifetime in (("", 365), ("--days-valid 1", 1), ("--days-valid 365", 365)):
            certificate = self.make(f"{CREATE} a.example {text}")
            self.assertEqual(certificate.not_valid_after_utc - NOON, timedelta(days=lifetime), text)

    def test_the_usual_lifetime_is_the_core_s(self) -> None:
        self.authority.profile = profile(lifetime=timedelta(hours=1))
        self.assertEqual(self.make(f"{CREATE} a.example").not_valid_after_utc - NOON, timedelta(hours=1))

    def test_the_usual_lifetime_is_the_longest(self) -> None:
        error = self.failureResultOf(self.start(f"{CREATE} a.example --days-valid 366"), Refused).value
        self.assertEqual((error.reason, error.subject), (Reason.TOO_LONG, "365 days"))

    def test_never_longer_than_the_authority(self) -> None:
        self.authority.profile = profile(lifetime=timedelta(days=3650))
        certificate = self.make(f"{CREATE} a.example --days-valid 3650")
        self.assertEqual(certificate.not_valid_after_utc, root().certificate.not_valid_after_utc)

    def test_every_type_of_key(self) -> None:
        made: list[object] = []

        def offload(work: Callable[[], Any], /) -> Deferred[Any]:
            made.append(work)
            return succeed(private_key())

        self.interpreter = self.make_interpreter(offload)
        for kind in KeyType:
            self.make(f"certificate create --common-name a.example --key-type {kind.value}")
        self.assertEqual(made, [kind.generate for kind in KeyType])

    def test_the_form_of_each_key(self) -> None:
        kinds = {"p256": ec.EllipticCurvePrivateKey, "ed25519": ed25519.Ed25519PrivateKey}
        for name, kind in kinds.items():
            key, _ = self.files(f"certificate create --common-name a.example --key-type {name}")
            self.assertTrue(key.content.startswith(b"-----BEGIN PRIVATE KEY-----\n"))
            self.assertIsInstance(load_pem_private_key(key.content, None), kind)

    def test_one_file_with_the_certificate_and_then_the_key(self) -> None:
        (both,) = self.files("certificate create --common-name a.example --pem")
        self.assertEqual(both.name, "a.example.pem")
        certificate = x509.load_pem_x509_certificate(both.content)
        key = load_pem_private_key(both.content.partition(b"-----END CERTIFICATE-----\n")[2], None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.assertEqual(key.public_key(), certificate.public_key())
        self.assertTrue(both.content.startswith(b"-----BEGIN CERTIFICATE-----\n"))

    def test_a_file_s_content_is_not_shown(self) -> None:
        self.assertNotIn("secret", repr(File("a.key", b"secret")))

    def test_names_that_only_the_core_may_have(self) -> None:
        self.authority.profile = profile(forbidden=Names(("core.example",)))
        failure = self.failureResultOf(self.start(f"{CREATE} core.example"), Refused)
        self.assertEqual(str(failure.value), "the policy does not allow the name core.example")


class RefusalTests(CertificateCase):
    def test_what_is_missing_or_too_much(self) -> None:
        self.is_not_parsed("the following arguments are required: --common-name$", "--dns-names a")
        self.is_not_parsed("argument --dns-names: expected at least one argument$", "--common-name a --dns-names")
        self.is_not_parsed("unrecognized arguments: b$", "--common-name a b")
        self.is_not_parsed("unrecognized arguments: --foo b$", "--common-name a --foo b")
        self.is_not_parsed("argument --key-type: invalid choice: 'dsa'", "--common-name a --key-type dsa")
        self.is_not_parsed("ambiguous option: --d could match", "--common-name a --d 3")

    def test_days(self) -> None:
        for days in ("x", "-1", "1.5", "''", "1_0", "9" * 5000, "\u0663"):
            self.is_not_parsed(
                "argument --days-valid: (invalid int value|expected)", f"--common-name a --days-valid {days}"
            )
        for days in ("0", "3651", "99999"):
            self.is_not_parsed("argument --days-valid: expected 1 to 3650 days", f"--common-name a --days-valid {days}")

    def test_names(self) -> None:
        for name in ("a..b", "-a-.b", "\u00e4.example", "'a b'", "*", "*.b", "a/b", "1.2.3.4", "''"):
            self.is_not_parsed("argument --dns-names: ", f"--common-name a --dns-names {name}")
        for address in ("999.1.1.1", "10.0.0.0/8", "a", "0.0.0.0", "224.0.0.1", "fe80::1%eth0"):
            self.is_not_parsed("argument --ip-addresses: the name", f"--common-name a --ip-addresses {address}")
        for name in ("''", "' a'", "a" * 65, "'a\nb'", "'a\tb'", "\u202ea"):
            self.is_not_parsed("argument --common-name: the name", f"--common-name {name}")

    def test_a_name_is_never_a_path(self) -> None:
        for name in ("/etc/passwd", "../../nope/x", "..", ".", ".bashrc", "a/b", "a\\\\b", "./a", "/", "~/../a"):
            self.is_not_parsed("argument --common-name: the files are called", f"--common-name {name} --dns-names a")
        self.assertEqual(self.store.entries, [])

    def test_an_error_is_one_line(self) -> None:
        with self.assertRaises(Malformed) as raised:
            self.interpreter.prepare("certificate create --foo\n'Set\nx' " + "y " * 3000, ADMIN, "192.0.2.1")
        self.assertNotIn("\n", str(raised.exception))
        self.assertLess(len(str(raised.exception)), 1000)

    def test_most_options(self) -> None:
        options = "--dns-names a.example " * 254
        self.assertEqual(len(self.files(f"{CREATE} a.example {options}")), 2)
        self.is_not_parsed("more than 256 options$", f"--common-name a {'--dns-names a ' * 256}", "--x " * 900)

    def test_most_words(self) -> None:
        text = f"{CREATE} a --dns-names " + " ".join(f"h{number}.example" for number in range(1000))
        failure = self.failureResultOf(self.start(text), Refused)
        self.assertEqual(failure.value.reason.code, "too-many-names")


class SlowKeys:
    """Makes keys when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

    def __call__(self, work: Callable[[], Any], /) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        self.waiting.append((work, answer))
        return answer

    def make_one(self) -> None:
        work, answer = self.waiting.pop(0)
        answer.callback(work())


class KeyTests(CertificateCase):
    def setUp(self) -> None:
        super().setUp()
        self.keys = SlowKeys()
        self.interpreter = self.make_interpreter(self.keys)

    def test_keys_are_made_elsewhere(self) -> None:
        answer = self.start(f"{CREATE} a.example")
        self.assertNoResult(answer)
        self.keys.make_one()
        self.assertEqual(len(self.successResultOf(answer)[0].files), 2)

    def test_a_bounded_number_is_in_the_making_even_if_their_callers_leave(self) -> None:
        answers = [self.start(f"{CREATE} a.example") for _ in range(64)]
        self.failureResultOf(self.start(f"{CREATE} a.example"), Unavailable)
        answers[0].cancel()
        self.failureResultOf(answers[0], CancelledError)
        self.failureResultOf(self.start(f"{CREATE} a.example"), Unavailable)
        self.keys.make_one()
        self.assertNoResult(self.start(f"{CREATE} a.example"))
        self.assertEqual(self.store.entries, [])

    def test_a_key_that_cannot_be_made_leaves_room(self) -> None:
        for _ in range(65):
            answer = self.start(f"{CREATE} a.example")
            self.keys.waiting.pop()[1].errback(ValueError("no entropy"))
            self.failureResultOf(answer, ValueError)

    def test_nothing_is_given_before_the_commit(self) -> None:
        self.store.hold()
        answer = self.start(f"{CREATE} a.example")
        self.keys.make_one()
        self.assertNoResult(answer)
        self.store.release()
        self.successResultOf(answer)
