"""A client's certificate as a credential."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface.verify import verifyObject

from pkid.auth.certificates import CertificateChecker
from pkid.auth.credentials import ClientCertificate, IClientCertificate, Member, Right
from pkid.ca.ledger import Entry
from pkid.errors import Reason, Unavailable
from tests.store.entries import NOON, entry
from tests.support import Case


class CertificateCheckerTests(Case):
    def setUp(self) -> None:
        self.now = NOON
        self.ours = True
        self.asked = 0
        self.known = {entry.sha256: entry for entry in (entry(1), entry(2, profile="core"))}
        self.checker = CertificateChecker(self.find, lambda _: self.ours, lambda: self.now)

    def find(self, sha256: bytes) -> Deferred[Entry | None]:
        self.asked += 1
        return succeed(self.known.get(sha256))

    def login(self, certificate: bytes) -> Deferred[Member]:
        return self.checker.requestAvatarId(ClientCertificate(certificate))

    def refused(self, certificate: bytes) -> None:
        self.failureResultOf(self.login(certificate), UnauthorizedLogin)

    def test_interfaces(self) -> None:
        verifyObject(ICredentialsChecker, self.checker)
        verifyObject(IClientCertificate, ClientCertificate(b""))

    def test_one_in_the_ledger_may_renew_itself_and_no_more(self) -> None:
        member = self.successResultOf(self.login(b"certificate 1"))
        self.assertEqual(member, Member("certificate:1", frozenset({Right.RENEW}), entry(1)))

    def test_an_unknown_one_is_refused(self) -> None:
        self.assertNotIn(hashlib.sha256(b"certificate 3").digest(), self.known)
        self.refused(b"certificate 3")

    def test_one_that_is_not_ours_never_reaches_the_ledger(self) -> None:
        self.ours = False
        self.refused(b"certificate 1")
        self.assertEqual(self.asked, 0)

    def test_the_cores_own_is_refused(self) -> None:
        self.refused(b"certificate 2")

    def test_it_must_be_valid_at_this_moment(self) -> None:
        held = entry(1)
        second = timedelta(seconds=1)
        for instant, valid in (
            (held.not_before - second, False),
            (held.not_before, True),
            (held.not_after - second, True),
            (held.not_after, False),
        ):
            self.now = instant
            if valid:
                self.successResultOf(self.login(held.certificate))
            else:
                self.refused(held.certificate)

    def test_a_store_that_cannot_tell_is_no_refusal(self) -> None:
        checker = CertificateChecker(lambda _: fail(Unavailable(Reason.STORE)), lambda _: True, lambda: self.now)
        self.failureResultOf(checker.requestAvatarId(ClientCertificate(b"certificate 1")), Unavailable)
