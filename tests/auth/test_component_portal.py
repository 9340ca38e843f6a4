"""The portal of components: checkers of one kind are asked in turn."""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin, UnhandledCredentials
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pkid.auth.component_credentials import (
    IdentityCertificate,
    IIdentityCertificate,
    IPlainResponse,
    ISignature,
    PlainResponse,
)
from pkid.auth.component_portal import InTurn, component_portal
from pkid.auth.proofs import Admission, IComponent
from pkid.auth.unbound import Certificates, IUnboundChecker, KeyDirectory, PreSharedKeys, StoredKeys
from pkid.errors import Reason, Unavailable
from tests.support import Case

SHOWN = PlainResponse("alice", b"", (), b"")


@implementer(ICredentialsChecker)
class Scripted:
    """Says what it is told to say, and counts how often it is asked."""

    credentialInterfaces = (IPlainResponse, ISignature)

    def __init__(self, says: Admission | Exception) -> None:
        self.says = says
        self.asked = 0

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        self.asked += 1
        return fail(self.says) if isinstance(self.says, Exception) else succeed(self.says)


REFUSING, BUSY = UnauthorizedLogin(), Unavailable(Reason.BUSY)


class InTurnTests(Case):
    def ask(self, *says: Admission | Exception) -> Deferred[Any]:
        self.checkers = [Scripted(each) for each in says]
        return component_portal(self.checkers).login(SHOWN, None, IComponent)

    def test_provides_its_interface(self) -> None:
        verifyObject(ICredentialsChecker, InTurn(IPlainResponse, []))

    def test_the_first_that_accepts_decides(self) -> None:
        first, second = Admission("alice", "key:1"), Admission("alice", "key:2")
        for says in ((first, second), (REFUSING, first, second), (BUSY, first, second)):
            self.assertEqual(self.successResultOf(self.ask(*says))[1], first)
            self.assertEqual(self.checkers[-1].asked, 0)

    def test_when_nobody_accepts_it_is_refused(self) -> None:
        self.failureResultOf(self.ask(REFUSING, REFUSING), UnauthorizedLogin)
        self.failureResultOf(self.ask(), UnhandledCredentials)

    def test_one_that_was_busy_might_have_accepted(self) -> None:
        self.failureResultOf(self.ask(BUSY, REFUSING), Unavailable)

    def test_a_broken_checker_admits_nobody(self) -> None:
        self.failureResultOf(self.ask(ZeroDivisionError(), Admission("alice", "key:1")), ZeroDivisionError)

    def test_each_kind_has_its_own(self) -> None:
        portal = component_portal([Scripted(REFUSING), Scripted(REFUSING)])
        self.assertEqual(set(portal.listCredentialsInterfaces()), {IPlainResponse, ISignature})
        shown = IdentityCertificate("alice", b"")
        verifyObject(IIdentityCertificate, shown)
        self.failureResultOf(portal.login(shown, None, IComponent), UnhandledCredentials)


class UnboundTests(Case):
    def test_nobody_comes_in_before_a_checker_is_bound(self) -> None:
        for unbound in (PreSharedKeys(), Certificates(), StoredKeys(), KeyDirectory("/keys")):
            verifyObject(IUnboundChecker, unbound)
            self.failureResultOf(unbound.requestAvatarId(SHOWN), UnauthorizedLogin)
