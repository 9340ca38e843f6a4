"""Chains: what makes one whole, and each way in which one is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkid.ca.chain import BrokenPath, check_issuers, check_path, leads_to
from pkid.ca.issuer import Issuer
from pkid.ca.keys import KeyType
from pkid.errors import Unusable
from tests.certificates import NOON, SERIAL, authority, private_key, profile, root
from tests.support import Case

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
VALID = (NOON - DAY, NOON + DAY)
KINDS = (KeyType.P256, KeyType.ED25519)
NO_CERTIFICATES = x509.KeyUsage(True, False, False, False, False, False, True, False, False)


def usages(*kinds: x509.ObjectIdentifier) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage(kinds)


def leaf(issuer: Issuer) -> x509.Certificate:
    return issuer.sign(profile().approve_self_test(private_key().public_key()), NOON, SERIAL)


class IssuersTests(Case):
    def setUp(self) -> None:
        self.top = authority("CN=top", valid=VALID)
        self.middle = authority("CN=middle", self.top)
        self.bottom = authority("CN=bottom", self.middle)

    def refused(self, chain: tuple[x509.Certificate, ...], *words: str, now: datetime = NOON) -> None:
        with self.assertRaises(Unusable) as caught:
            check_issuers(chain, now)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_whole_ones(self) -> None:
        for issuer in (self.top, self.middle, self.bottom, root()):
            check_issuers(issuer.chain, NOON)

    def test_each_certificate_must_be_signed_by_the_next(self) -> None:
        bottom, middle, top = self.bottom.chain
        self.refused((bottom, top), "'CN=top' after 'CN=bottom'", "followed by its issuer")
        self.refused((bottom, top, middle), "'CN=top' after 'CN=bottom'")
        self.refused((top, middle), "'CN=middle' after 'CN=top'")
        impostor = authority("CN=top", kind=KeyType.P384)
        self.refused((bottom, middle, impostor.certificate), "'CN=top' after 'CN=middle'")

    def test_the_last_must_be_a_root(self) -> None:
        bottom, middle, _ = self.bottom.chain
        self.refused(
            (bottom, middle), "does not lead to a root", "'CN=middle'", "append", "from 'CN=top' up to the root"
        )
        self.refused((bottom,), "from 'CN=middle' up")

    def test_each_must_be_an_authority(self) -> None:
        for options in ({"ca": False}, {"usage": None}, {"usage": NO_CERTIFICATES}):
            top: Any = authority("CN=top", **options)
            for issuer in (top, authority("CN=bottom", top)):
                self.refused(issuer.chain, "not a certificate authority's ('CN=top')", "keyCertSign")

    def test_each_must_be_valid_now(self) -> None:
        for issuer in (self.top, self.bottom):
            check_issuers(issuer.chain, VALID[0])
            check_issuers(issuer.chain, VALID[1] - SECOND)
            self.refused(issuer.chain, f"valid only from {VALID[0]:%Y-%m-%d %H:%M} UTC", now=VALID[0] - SECOND)
            self.refused(issuer.chain, f"valid only until {VALID[1]:%Y-%m-%d %H:%M} UTC", "CN=top", now=VALID[1])

    def test_each_must_allow_those_below_it(self) -> None:
        for length, allowed in ((0, False), (1, False), (2, True)):
            top = authority("CN=top", path_length=length)
            chain = authority("CN=bottom", authority("CN=middle", top)).chain
            if allowed:
                check_issuers(chain, NOON)
            else:
                self.refused(chain, "fewer authorities below it ('CN=top')", "path length")
        check_issuers(authority("CN=bottom", authority("CN=top", path_length=1), path_length=0).chain, NOON)

    def test_each_must_be_for_servers_and_clients(self) -> None:
        server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
        everything = usages(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
        for usage in (usages(server, client), everything):
            check_issuers(authority("CN=a", extensions=[usage]).chain, NOON)
        self.refused(authority("CN=a", extensions=[usages(server)]).chain, "no TLS client would follow")

    def test_one_is_not_endless(self) -> None:
        issuer = authority("CN=0")
        for number in range(1, 8):
            issuer = authority(f"CN={number}", issuer)
        check_issuers(issuer.chain, NOON)
        self.refused(authority("CN=8", issuer).chain, "at most 8 certificates")


class PathTests(Case):
    """A leaf leads to the anchor, by the rules of both verifiers."""

    def both(self, check: Callable[[Issuer, Issuer, KeyType], None], **options: Any) -> None:
        """Do a check with an anchor and an intermediate below it, whose options are given."""
        for kind in KINDS:
            anchor = authority("CN=anchor", kind=kind)
            check(anchor, authority("CN=between", anchor, kind=kind, **options), kind)

    def broken(self, anchor: Issuer, between: Issuer, kind: KeyType, now: datetime = NOON) -> None:
        with self.assertRaises(BrokenPath, msg=kind):
            check_path(leaf(between), anchor.certificate, [between.certificate], now)

    def test_through_what_stands_between_in_any_order(self) -> None:
        for kind in KINDS:
            anchor = authority("CN=anchor", kind=kind)
            bottom = authority("CN=b", authority("CN=a", anchor, kind=kind), kind=kind)
            stranger = authority("CN=stranger", kind=kind).certificate
            for between in (bottom.intermediates, (*bottom.intermediates[::-1], stranger)):
                check_path(leaf(bottom), anchor.certificate, between, NOON)

    def test_not_through_what_is_no_authority(self) -> None:
        self.both(self.broken, ca=False)
        self.both(self.broken, usage=NO_CERTIFICATES)

    def test_why_not_is_told_in_printable_words(self) -> None:
        anchor = authority("CN=anchor")
        between = authority("CN=\\1b[2J", anchor, usage=NO_CERTIFICATES)
        with self.assertRaises(BrokenPath) as caught:
            check_path(between.certificate, anchor.certificate, [], NOON)
        self.assertTrue(str(caught.exception).isprintable(), ascii(caught.exception))

    def test_not_through_what_is_not_valid(self) -> None:
        self.both(lambda a, b, kind: self.broken(a, b, kind, NOON + DAY), valid=(NOON - DAY, NOON + DAY))

    def test_not_through_what_is_not_understood(self) -> None:
        constraints = x509.NameConstraints(None, [x509.DNSName("invalid")])
        self.both(self.broken, extensions=[constraints])

    def test_not_past_a_path_length(self) -> None:
        for kind in KINDS:
            anchor = authority("CN=anchor", kind=kind, path_length=0)
            self.broken(anchor, authority("CN=between", anchor, kind=kind), kind)

    def test_an_anchor_without_a_key_identifier_will_do(self) -> None:
        for kind in KINDS:
            anchor = authority("CN=anchor", kind=kind, identified=False)
            check_path(leaf(anchor), anchor.certificate, [], NOON)

    def test_an_anchor_must_be_a_valid_authority_itself(self) -> None:
        for kind in KINDS:
            for options in ({"ca": False}, {"valid": (NOON - DAY, NOON)}):
                anchor: Any = authority("CN=anchor", kind=kind, **options)
                below = Issuer(root(kind).certificate, anchor.key)
                certificate = leaf(Issuer(authority("CN=anchor", kind=kind).certificate, below.key))
                with self.assertRaises(BrokenPath):
                    check_path(certificate, anchor.certificate, [], NOON)

    def test_certificates_that_sign_one_another_lead_nowhere(self) -> None:
        one, other = authority("CN=one", kind=KeyType.ED25519), authority("CN=other", kind=KeyType.ED25519)
        crossed = [authority("CN=one", other, kind=KeyType.ED25519), authority("CN=other", one, kind=KeyType.ED25519)]
        anchor = authority("CN=anchor", kind=KeyType.ED25519).certificate
        with self.assertRaises(BrokenPath):
            check_path(leaf(one), anchor, [each.certificate for each in crossed], NOON)


class LeadsToTests(Case):
    def test_by_its_last_certificate_or_any(self) -> None:
        anchor = authority("CN=anchor")
        between = authority("CN=between", anchor)
        below, other = leaf(between), authority("CN=other").certificate
        self.assertTrue(leads_to([below, between.certificate], anchor.certificate))
        self.assertTrue(leads_to([below, *between.chain], anchor.certificate))
        self.assertTrue(leads_to([leaf(anchor)], anchor.certificate))
        self.assertFalse(leads_to([below], anchor.certificate))
        self.assertFalse(leads_to([below, between.certificate], other))
