"""Credentials and avatars for twisted.cred."""

from __future__ import annotations

from twisted.cred.credentials import ICredentials
from zope.interface.verify import verifyObject

from pkid.auth.credentials import BearerToken, IBearerToken, IMember, Member, Right
from pkid.ca.policy import ANY_NAME
from tests.auth.case import BINDING
from tests.support import Case


class BearerTokenTests(Case):
    def test_provides_its_interfaces(self) -> None:
        credential = BearerToken(b"a.b.c", BINDING, "192.0.2.1")
        verifyObject(IBearerToken, credential)
        verifyObject(ICredentials, credential)

    def test_the_token_is_not_shown(self) -> None:
        shown = repr(BearerToken(b"head.body.signature", BINDING, "192.0.2.1"))
        self.assertNotIn("signature", shown)
        self.assertIn("192.0.2.1", shown)


class MemberTests(Case):
    def test_provides_its_interface(self) -> None:
        verifyObject(IMember, Member("psk:default", frozenset({Right.READ}), ANY_NAME))
