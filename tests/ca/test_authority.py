"""The authority: groups of orders, repeats, recalled entries, and nothing recorded that was refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import count
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.ca.authority import RETRY_WINDOW, Authority, Order
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.keys import KeyType
from pkid.ca.ledger import Entry, RequestKey
from pkid.ca.names import Names
from pkid.ca.patterns import HostPattern
from pkid.ca.policy import ANY_NAME, Policy, Rules
from pkid.ca.profile import Profile
from pkid.ca.renewal import renewal_due
from pkid.ca.trust import is_issued_by
from pkid.errors import Malformed, PkidError, Reason, Refused, Unavailable
from tests.ca import der
from tests.certificates import NOON, SERIAL, authority, certificate_request, csr_pem, private_key, profile, root
from tests.support import Case

PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)
SECOND = timedelta(seconds=1)
T = TypeVar("T")
R = TypeVar("R")


class MemoryLedger:
    """A ledger of one transaction, with what was recorded before."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.recalls: list[list[RequestKey]] = []
        self.touched = 0

    def recall(self, keys: Sequence[RequestKey], since: datetime) -> Mapping[RequestKey, Entry]:
        self.recalls.append(list(keys))
        newest = sorted((found for found in self.entries if found.issued_at >= since), key=lambda e: e.issued_at)
        return {key: found for found in newest if (key := found.request_key) in keys and key is not None}

    def record(self, entries: Sequence[Entry]) -> None:
        self.entries += entries

    def touch(self) -> None:
        self.touched += 1


class SpreadInTurns:
    """Does the last first, and writes down how many there were."""

    def __init__(self) -> None:
        self.groups: list[int] = []

    def __call__(self, work: Callable[[T], R], things: Sequence[T], /) -> list[R]:
        self.groups.append(len(things))
        return [work(thing) for thing in reversed(things)][::-1]


class AuthorityCase(Case):
    def setUp(self) -> None:
        self.now = NOON
        self.ledger = MemoryLedger()
        self.serials = count(SERIAL)
        self.authority = self.make_authority()

    def make_authority(self, rules: Profile | None = None, issuer: Issuer | None = None) -> Authority:
        return Authority(issuer or root(), rules or profile(), lambda: self.now, lambda: next(self.serials))

    def fulfil(self, *orders: Order) -> list[Entry | PkidError]:
        return self.authority.fulfil(orders, self.ledger)

    def entry(self, order: Order) -> Entry:
        """Give one order, and return the entry that it got."""
        (answer,) = self.fulfil(order)
        assert isinstance(answer, Entry), answer
        return answer


def order(name: str = "worker.example", credential: str = "psk:default", policy: Policy = ANY_NAME) -> Order:
    return Order(request(name), credential, policy)


@cache
def request(name: str) -> bytes:
    """Return the one request for a name; a new one would be another request, by its signature."""
    return csr_pem(common_name=name)


class EntryTests(AuthorityCase):
    def test_says_what_was_signed(self) -> None:
        csr = certificate_request(uri=["spiffe://pkid.internal/db"])
        entry = self.entry(Order(csr.public_bytes(Encoding.PEM), "psk:default", ANY_NAME))
        certificate = x509.load_der_x509_certificate(entry.certificate)
        self.assertTrue(is_issued_by(certificate, root().certificate))
        expected = Entry(
            serial=SERIAL,
            name="db",
            proven=True,
            profile="component",
            credential="psk:default",
            csr_sha256=sha256(csr.public_bytes(Encoding.DER)).digest(),
            sha256=sha256(entry.certificate).digest(),
            issued_at=NOON,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            certificate=entry.certificate,
            origin="psk:default",
        )
        self.assertEqual(entry, expected)
        self.assertEqual(certificate.serial_number, SERIAL)
        self.assertEqual(self.ledger.entries, [entry])


class SpreadTests(AuthorityCase):
    """Where a signature takes long, those of a group are made at once."""

    def fulfil_by(self, kind: KeyType, *orders: Order) -> list[Entry | PkidError]:
        self.spread = SpreadInTurns()
        rules = replace(profile(), issuer_key=root(kind).key.public_key())
        signs = Authority(root(kind), rules, lambda: self.now, lambda: next(self.serials), spread=self.spread)
        return signs.fulfil(orders, self.ledger)

    def test_each_order_gets_the_certificate_of_its_own_request(self) -> None:
        names = ["a.b", "c.d", "e.f"]
        answers = self.fulfil_by(KeyType.RSA2048, *map(order, names))
        self.assertEqual(self.spread.groups, [3])
        self.assertEqual(self.ledger.entries, answers)
        for name, entry in zip(names, self.ledger.entries, strict=True):
            certificate = x509.load_der_x509_certificate(entry.certificate)
            self.assertEqual((entry.name, certificate.serial_number), (name, entry.serial))
            self.assertEqual(certificate.subject.rfc4514_string(), f"CN={name}")
            self.assertTrue(is_issued_by(certificate, root(KeyType.RSA2048).certificate))

    def test_only_what_is_new_is_signed(self) -> None:
        self.fulfil_by(KeyType.RSA2048, order("a.b"))
        answers = self.fulfil_by(KeyType.RSA2048, order("a.b"), Order(b"", "psk:default", ANY_NAME), order("c.d"))
        self.assertEqual(self.spread.groups, [1])
        self.assertEqual([getattr(answer, "name", None) for answer in answers], ["a.b", None, "c.d"])

    def test_signatures_that_take_no_time_are_made_one_after_the_other(self) -> None:
        for kind in (KeyType.P256, KeyType.P384, KeyType.ED25519):
            self.fulfil_by(kind, order("a.b"), order("c.d"))
            self.assertEqual(self.spread.groups, [])


class GroupTests(AuthorityCase):
    def test_an_empty_group_gets_no_answers(self) -> None:
        self.assertEqual(self.fulfil(), [])
        self.assertEqual(self.ledger.entries, [])

    def test_answers_stand_in_the_order_of_the_orders(self) -> None:
        answers = self.fulfil(order("a.b"), Order(b"", "psk:default", ANY_NAME), order("c.d"), order("*.x"))
        self.assertEqual([getattr(answer, "name", None) for answer in answers], ["a.b", None, "c.d", None])
        self.assertIsInstance(answers[1], Malformed)
        self.assertIsInstance(answers[3], Refused)

    def test_what_is_refused_is_neither_recalled_nor_recorded(self) -> None:
        self.fulfil(Order(b"junk", "psk:default", ANY_NAME), order("a.b"), order("no host"))
        self.assertEqual([entry.name for entry in self.ledger.entries], ["a.b"])
        self.assertEqual(len(self.ledger.recalls[0]), 1)

    def test_a_repeat_within_the_group_is_signed_and_recorded_once(self) -> None:
        first, other, again = self.fulfil(order("a.b"), order("c.d"), order("a.b"))
        self.assertIs(first, again)
        self.assertIsNot(first, other)
        self.assertEqual(self.ledger.entries, [first, other])

    def test_text_around_the_same_request_makes_no_other(self) -> None:
        plain, wordy = self.fulfil(order(), Order(b"Certificate Request:\n" + order().body, "psk:default", ANY_NAME))
        self.assertIs(plain, wordy)

    def test_the_same_request_with_another_credential_gets_another_certificate(self) -> None:
        one, two = self.fulfil(order(), order(credential="psk:other"))
        assert isinstance(one, Entry) and isinstance(two, Entry)
        self.assertNotEqual(one.serial, two.serial)
        self.assertEqual([entry.credential for entry in self.ledger.entries], ["psk:default", "psk:other"])

    def test_an_issuer_that_expired_answers_each_good_order_with_it(self) -> None:
        self.now = root().certificate.not_valid_after_utc
        answers = self.fulfil(order(), Order(b"", "psk:default", ANY_NAME), order())
        self.assertEqual([type(answer) for answer in answers], [Unavailable, Malformed, Unavailable])
        self.assertEqual(self.ledger.entries, [])

    def test_names_that_a_library_could_choke_on_spoil_no_others(self) -> None:
        names = [der.tlv(der.X400), der.tlv(der.EDI, der.tlv(0xA1, der.tlv(der.UTF8, b"x")))]
        strange = [der.request_pem(extensions=[der.alternative_names(name)]) for name in names]
        strange.append(der.request_pem(version=7))
        long = der.common_name(("é" * 40).encode())
        strange.append(der.request_pem(subject=long, extensions=[der.alternative_names(der.tlv(der.DNS, b"a.b"))]))
        good, *answers = self.fulfil(order(), *(Order(body, "psk:default", ANY_NAME) for body in strange))
        self.assertIsInstance(good, Entry)
        for answer in answers:
            self.assertIsInstance(answer, PkidError)
        self.flushWarnings()  # the library's, about the length of the name


class RetryTests(AuthorityCase):
    def test_the_same_order_gets_the_same_certificate_for_five_minutes(self) -> None:
        first = self.entry(order())
        for passed in (SECOND, RETRY_WINDOW):
            self.now = NOON + passed
            self.assertIs(self.entry(order()), first)
        self.now = NOON + RETRY_WINDOW + timedelta(microseconds=1)
        self.assertIsNot(self.entry(order()), first)
        self.assertEqual(len(self.ledger.entries), 2)

    def test_what_was_recalled_is_not_recorded_again_beside_new_ones(self) -> None:
        self.entry(order("a.b"))
        self.fulfil(order("a.b"), order("c.d"), order("a.b"))
        self.assertEqual([entry.name for entry in self.ledger.entries], ["a.b", "c.d"])

    def test_a_certificate_that_is_to_be_renewed_is_not_given_again(self) -> None:
        self.authority = self.make_authority(profile(lifetime=timedelta(minutes=2)))
        first = self.entry(order())
        self.now = renewal_due(first.not_before, first.not_after) - SECOND
        self.assertIs(self.entry(order()), first)
        self.now += SECOND
        fresh, again = self.fulfil(order(), order())
        self.assertIsNot(fresh, first)
        self.assertIs(fresh, again)
        self.assertEqual(self.ledger.entries, [first, fresh])

    def test_a_retry_is_judged_by_the_rules_of_now(self) -> None:
        self.entry(order())
        self.authority = self.make_authority(profile(forbidden=Names(("worker.example",))))
        self.assertIsInstance(self.fulfil(order())[0], Refused)

    def test_a_certificate_that_lasts_longer_than_it_may_by_now_is_not_given_again(self) -> None:
        first = self.entry(order())
        self.authority.profile = profile(lifetime=timedelta(days=300))
        shorter = self.entry(order())
        self.assertLess(shorter.not_after, first.not_after)
        self.assertIs(self.entry(order()), shorter)


class PolicyTests(AuthorityCase):
    only_a = Policy(dns=Rules((HostPattern("a.b"),)))

    def refused(self, order: Order) -> None:
        (answer,) = self.fulfil(order)
        assert isinstance(answer, Refused), answer
        self.assertIs(answer.reason, Reason.NOT_ALLOWED)

    def test_an_order_is_judged_by_its_own_policy(self) -> None:
        self.entry(order("a.b", policy=self.only_a))
        self.refused(order("c.d", policy=self.only_a))
        self.entry(order("c.d"))

    def test_a_renewal_is_judged_by_the_policy_of_today(self) -> None:
        first = self.entry(order("c.d"))
        self.entry(Order(request("c.d"), "certificate:1", ANY_NAME, renews=first))
        self.refused(Order(request("c.d"), "certificate:1", self.only_a, renews=first))

    def test_a_chain_of_renewals_keeps_its_origin(self) -> None:
        entry = self.entry(order("c.d", "psk:autumn"))
        for _ in range(2):
            self.assertEqual(entry.origin, "psk:autumn")
            entry = self.entry(Order(request("c.d"), f"certificate:{entry.serial:x}", ANY_NAME, renews=entry))
        self.assertEqual((entry.origin, entry.credential[:12]), ("psk:autumn", "certificate:"))


class OwnTests(AuthorityCase):
    def test_the_cores_own_certificate_is_recorded(self) -> None:
        key = private_key(owner="core").public_key()
        entry = self.authority.certify_core(key, Names(("core.example",)), self.ledger)
        self.assertEqual(self.ledger.entries, [entry])
        self.assertEqual((entry.name, entry.profile, entry.credential), ("pkid/core", "core", "core"))
        self.assertEqual(entry.origin, "core")
        self.assertIsNone(entry.request_key)
        self.assertTrue(entry.proven)

    def test_the_self_test_writes_and_leaves_no_entry(self) -> None:
        self.authority.self_test(self.ledger)
        self.assertEqual((self.ledger.touched, self.ledger.entries), (1, []))

    def test_the_self_test_notices_a_key_that_is_not_the_certificates(self) -> None:
        for kind in (KeyType.P256, KeyType.ED25519):
            mixed = Issuer(root().certificate, private_key(kind))
            with self.assertRaises(Unavailable) as caught:
                self.make_authority(issuer=mixed).self_test(self.ledger)
            self.assertIs(caught.exception.reason, Reason.SELF_TEST)
        self.assertEqual(self.ledger.touched, 0)

    def test_the_self_test_notices_an_expired_issuer(self) -> None:
        self.now = root().certificate.not_valid_after_utc
        with self.assertRaises(Unavailable):
            self.authority.self_test(self.ledger)

    def test_the_self_test_passes_on_what_the_ledger_says(self) -> None:
        self.patch(self.ledger, "touch", lambda: 1 / 0)
        self.assertRaises(ZeroDivisionError, self.authority.self_test, self.ledger)


KINDS = (KeyType.P256, KeyType.RSA2048, KeyType.ED25519)
ORIGINALS = [
    certificate_request(
        private_key(kind),
        dns=["a.b", "*.c.d"],
        ip=["192.0.2.1", "::1"],
        uri=["spiffe://pkid.internal/db"],
        extensions=[x509.BasicConstraints(False, None)],
    ).public_bytes(Encoding.DER)
    for kind in KINDS
]


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """Draw a request that was good, with some of its bytes changed, removed or added."""
    content = bytearray(draw(st.sampled_from(ORIGINALS)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        removed = draw(st.integers(0, 2))
        content[start : start + removed] = draw(st.binary(max_size=2))
    return bytes(content)


class MutationTests(AuthorityCase):
    def check(self, body: bytes) -> None:
        """Give an order beside a good one: whatever it is, it is answered, and the good one too."""
        answer, good = self.fulfil(Order(body, "psk:default", ANY_NAME), order())
        self.assertIsInstance(answer, Entry | PkidError)
        self.assertIsInstance(good, Entry)
        if isinstance(answer, PkidError):
            self.assertTrue(str(answer).isprintable())
        self.flushWarnings()

    @PROPERTY
    @given(mutants())
    def test_a_damaged_request(self, content: bytes) -> None:
        self.check(der.armour(content))

    @PROPERTY
    @given(mutants())
    def test_a_damaged_request_that_is_signed_all_the_same(self, content: bytes) -> None:
        self.patch(x509.CertificateSigningRequest, "is_signature_valid", True)
        self.check(der.armour(content))

    @PROPERTY
    @given(st.data())
    def test_damaged_armour(self, data: st.DataObject) -> None:
        body = bytearray(order("a.b").body)
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        self.check(bytes(body))

    @PROPERTY
    @given(st.binary(max_size=200))
    def test_anything_between_the_labels(self, content: bytes) -> None:
        self.check(content)
        self.check(der.armour(content))
        self.check(b"-----BEGIN CERTIFICATE REQUEST-----\n" + content + b"\n-----END CERTIFICATE REQUEST-----\n")

    def test_a_damaged_entry_of_the_ledger_is_not_given_again(self) -> None:
        first = self.entry(order())
        self.ledger.entries = [replace(first, certificate=b"damaged")]
        self.assertNotEqual(self.entry(order()).serial, first.serial)

    def test_an_entry_of_another_issuer_is_not_given_again(self) -> None:
        first = self.entry(order())
        self.authority.succeed(make_root(private_key(owner="next"), NOON - timedelta(days=1), SERIAL))
        self.assertNotEqual(self.entry(order()).serial, first.serial)

    def test_an_entry_from_the_future_is_not_given_again(self) -> None:
        first = self.entry(order())
        self.assertEqual(self.entry(order()).serial, first.serial)
        self.now -= timedelta(minutes=2)
        self.assertNotEqual(self.entry(order()).serial, first.serial)


class SuccessionTests(AuthorityCase):
    """One issuer follows another while the authority works."""

    def setUp(self) -> None:
        super().setUp()
        self.first = self.entry(order())
        self.next = authority("CN=bottom", authority("CN=top"))
        self.authority.succeed(self.next)

    def test_the_next_one_signs_from_then_on(self) -> None:
        certificate = x509.load_der_x509_certificate(self.entry(order()).certificate)
        self.assertTrue(is_issued_by(certificate, self.next.certificate))
        self.assertEqual(self.authority.issuer, self.next)

    def test_certificates_of_both_are_recognised_and_nobody_elses(self) -> None:
        stranger = authority("CN=bottom", kind=KeyType.P384).sign(
            profile().approve_self_test(private_key().public_key()), NOON, SERIAL
        )
        for certificate, known in (
            (self.first.certificate, True),
            (self.entry(order()).certificate, True),
            (stranger.public_bytes(Encoding.DER), False),
            (b"nonsense", False),
        ):
            self.assertEqual(self.authority.recognises(certificate), known)

    def test_each_certificate_comes_with_what_leads_to_its_own_root(self) -> None:
        for entry, expected in ((self.first, ()), (self.entry(order()), self.next.intermediates)):
            chain = x509.load_pem_x509_certificates(self.authority.pem_chain(entry.certificate))
            self.assertEqual(chain, [x509.load_der_x509_certificate(entry.certificate), *expected])

    def test_the_new_key_is_the_one_that_no_leaf_may_have(self) -> None:
        for issuer, refused in ((root(), False), (self.next, True)):
            (answer,) = self.fulfil(Order(csr_pem(issuer.key), "psk:default", ANY_NAME))
            self.assertEqual(isinstance(answer, PkidError), refused)

    def test_former_ones_are_remembered_each_once(self) -> None:
        self.authority.succeed(root())
        self.assertEqual([chain[0] for chain in self.authority.chains], [root().certificate, self.next.certificate])

    def test_what_is_recognised_of_former_ones_may_be_exchanged(self) -> None:
        self.assertTrue(self.authority.recognises(self.first.certificate))
        self.authority.former = ()
        self.assertFalse(self.authority.recognises(self.first.certificate))
        self.assertTrue(self.authority.recognises(self.entry(order()).certificate))

    def test_those_before_the_start_are_recognised_if_they_are_told(self) -> None:
        again = Authority(self.next, profile(), lambda: NOON, lambda: SERIAL, former=[root().chain])
        self.assertTrue(again.recognises(self.first.certificate))

    def test_a_group_is_done_by_one_issuer_whatever_happens_meanwhile(self) -> None:
        class Swapping(MemoryLedger):
            def recall(ledger, keys: Sequence[RequestKey], since: datetime) -> Mapping[RequestKey, Entry]:
                self.authority.succeed(root())
                return {}

        self.ledger = Swapping()
        (entry,) = self.fulfil(order())
        assert isinstance(entry, Entry)
        self.assertTrue(is_issued_by(x509.load_der_x509_certificate(entry.certificate), self.next.certificate))
        self.assertEqual(self.authority.issuer, root())
