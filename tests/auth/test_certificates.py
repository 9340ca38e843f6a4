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
from pkid.ca.policy import ANY_NAME, Policy, Rules
from pkid.errors import Reason, Refused, Unavailable
from tests.store.entries import NOON, entry
from tests.support import Case


class CertificateCheckerTests(Case):
    def setUp(self) -> None:
        self.now = NOON
        self.ours = True
        self.asked = 0
        self.policies: dict[str, Policy] = {"psk:default": ANY_NAME, "psk:hosts": Policy(dns=Rules(()))}
        these = (entry(1), entry(2, profile="core"), entry(4, origin="psk:hosts"), entry(5, origin="psk:gone"))
        self.known = {entry.sha256: entry for entry in these}
        self.checker = CertificateChecker(self.find, lambda _: self.ours, self.policies.get, lambda: self.now)

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
        self.assertEqual(member, Member("certificate:1", frozenset({Right.RENEW}), ANY_NAME, certificate=entry(1)))

    def test_the_key_at_the_start_of_its_chain_says_which_names_are_allowed(self) -> None:
        member = self.successResultOf(self.login(b"certificate 4"))
        self.assertEqual(member.policy, self.policies["psk:hosts"])

    def test_one_whose_key_is_not_in_service_is_refused_with_the_reason(self) -> None:
        refused = self.failureResultOf(self.login(b"certificate 5"), Refused).value
        self.assertIs(refused.reason, Reason.RETIRED)
        self.assertIn("psk:gone", str(refused))

    def test_one_whose_ca_is_distrusted_while_the_ledger_is_asked_is_refused(self) -> None:
        answer: Deferred[Entry | None] = Deferred()
        self.checker = CertificateChecker(lambda _: answer, lambda _: self.ours, self.policies.get, lambda: self.now)
        login = self.login(b"certificate 1")
        self.ours = False
        answer.callback(entry(1))
        self.failureResultOf(login, UnauthorizedLogin)

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
        checker = CertificateChecker(
            lambda _: fail(Unavailable(Reason.STORE)), lambda _: True, self.policies.get, lambda: self.now
        )
        self.failureResultOf(checker.requestAvatarId(ClientCertificate(b"certificate 1")), Unavailable)
