"""Which CAs are known, whose certificates count, and what distrust strikes."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509

from pkid.ca.issuer import Issuer
from pkid.ca.issuers import MOST_FORMER, Issuers, KnownIssuer
from pkid.ca.keys import digest_for
from pkid.errors import PkidError, Reason, Refused, Unusable
from tests.certificates import NOON, authority
from tests.support import Case

HOUR = timedelta(hours=1)
FIRST, SECOND, THIRD = (authority(f"CN={name}") for name in ("first", "second", "third"))


def sha256(issuer: Issuer) -> bytes:
    """Return the fingerprint."""
    return KnownIssuer(issuer.chain).sha256


def certified_again(issuer: Issuer) -> Issuer:
    """Return the same CA, its key and its name, with another certificate."""
    old = issuer.certificate
    times = old.not_valid_before_utc, old.not_valid_after_utc + HOUR
    builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), old.serial_number + 1, *times)
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return Issuer(builder.sign(issuer.key, digest_for(issuer.key)), issuer.key)


class IssuersCase(Case):
    def setUp(self) -> None:
        self.now = NOON
        self.issuers = Issuers()

    def succeed(self, *issuers: Issuer) -> None:
        """Have one CA issue after the other, an hour each."""
        for issuer in issuers:
            self.issuers = self.issuers.succeeded_by(issuer.chain, self.now)
            self.now += HOUR

    def distrust(self, issuer: Issuer) -> None:
        self.issuers = self.issuers.distrusting(sha256(issuer), self.now)

    def known(self) -> list[x509.Certificate]:
        return [each.certificate for each in self.issuers.known]

    def former(self) -> list[x509.Certificate]:
        return [chain[0] for chain in self.issuers.former]


class SuccessionTests(IssuersCase):
    def test_the_one_that_issues_comes_first_then_the_one_that_was_replaced_last(self) -> None:
        self.succeed(FIRST, SECOND, THIRD)
        self.assertEqual(self.known(), [THIRD.certificate, SECOND.certificate, FIRST.certificate])
        self.assertEqual([each.replaced_at for each in self.issuers.known], [None, NOON + 2 * HOUR, NOON + HOUR])
        self.assertEqual(self.issuers.former, (SECOND.chain, FIRST.chain))

    def test_nothing_changes_while_the_same_one_issues(self) -> None:
        self.succeed(FIRST, SECOND)
        before = self.issuers
        self.succeed(SECOND)
        self.assertEqual(self.issuers, before)

    def test_one_that_comes_back_is_known_once(self) -> None:
        self.succeed(FIRST, SECOND, FIRST)
        self.assertEqual(self.known(), [FIRST.certificate, SECOND.certificate])
        self.assertEqual(self.former(), [SECOND.certificate])

    def test_its_issuers_may_change(self) -> None:
        self.succeed(FIRST)
        self.issuers = self.issuers.succeeded_by((FIRST.certificate, SECOND.certificate), self.now)
        self.assertEqual([each.chain for each in self.issuers.known], [(FIRST.certificate, SECOND.certificate)])

    def test_a_few_are_known(self) -> None:
        many = [authority(f"CN={number}") for number in range(MOST_FORMER + 3)]
        self.succeed(*many)
        self.assertEqual(self.former(), [each.certificate for each in reversed(many[2:-1])])

    def test_those_that_have_ended_make_room_first(self) -> None:
        ended = authority("CN=ended", valid=(NOON - HOUR, NOON + 20 * HOUR))
        many = [authority(f"CN={number}") for number in range(MOST_FORMER)]
        self.succeed(*many[:-1], ended, many[-1])
        self.assertEqual(len(self.former()), MOST_FORMER)
        self.assertIn(ended.certificate, self.former())
        self.now += 20 * HOUR
        self.succeed(THIRD)
        self.assertNotIn(ended.certificate, self.former())
        self.assertEqual(self.former(), [each.certificate for each in reversed(many)])

    def test_one_of_which_nothing_was_noted_is_known_as_a_former_one(self) -> None:
        self.succeed(FIRST)
        self.issuers = self.issuers.preceded_by(SECOND.chain, self.now)
        self.assertEqual(self.former(), [SECOND.certificate])
        for chain in (FIRST.chain, SECOND.chain):
            self.assertIs(self.issuers.preceded_by(chain, self.now + HOUR), self.issuers)


class DistrustTests(IssuersCase):
    def setUp(self) -> None:
        super().setUp()
        self.succeed(FIRST, SECOND, THIRD)

    def refused(self, issuer: Issuer) -> PkidError:
        error: PkidError = self.assertRaises(Refused, self.distrust, issuer)
        return error

    def test_it_counts_no_more_and_is_known_all_the_same(self) -> None:
        self.distrust(FIRST)
        self.assertEqual(self.former(), [SECOND.certificate])
        self.assertEqual([each.distrusted_at for each in self.issuers.known], [None, None, self.now])

    def test_it_is_for_ever_however_many_follow(self) -> None:
        self.distrust(FIRST)
        self.succeed(*(authority(f"CN={number}") for number in range(20)))
        self.assertEqual(self.issuers.known[-1].certificate, FIRST.certificate)
        self.assertEqual(len(self.former()), MOST_FORMER)

    def test_it_does_not_issue_again_by_whatever_certificate(self) -> None:
        self.distrust(FIRST)
        for issuer in (FIRST, certified_again(FIRST)):
            error = self.assertRaises(Unusable, self.succeed, issuer)
            self.assertIn("distrusted since 2031-05-06 15:00 UTC", str(error))
        stored = self.issuers.preceded_by(certified_again(FIRST).chain, self.now)
        self.assertEqual(stored.former, (SECOND.chain,))

    def test_all_certificates_of_its_key_fall_with_it(self) -> None:
        again = certified_again(FIRST)
        self.succeed(again, THIRD)
        self.distrust(FIRST)
        self.assertEqual(self.former(), [SECOND.certificate])

    def test_the_one_that_issues_cannot_be_distrusted_nor_its_key(self) -> None:
        self.assertIs(self.refused(THIRD).reason, Reason.ISSUER_IN_USE)
        self.succeed(certified_again(FIRST))
        self.assertIs(self.refused(FIRST).reason, Reason.ISSUER_IN_USE)

    def test_one_that_is_not_known(self) -> None:
        error = self.refused(authority("CN=stranger"))
        self.assertIs(error.reason, Reason.UNKNOWN_ISSUER)

    def test_twice_is_once(self) -> None:
        self.distrust(FIRST)
        before = self.issuers
        self.now += HOUR
        self.distrust(FIRST)
        self.assertEqual(self.issuers, before)
