"""The realm: members and components come in as themselves, nobody else does."""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import ANONYMOUS
from twisted.cred.portal import IRealm
from zope.interface import Interface
from zope.interface.verify import verifyObject

from pkid.auth.credentials import IMember, Member, Right
from pkid.auth.proofs import Admission, IComponent
from pkid.auth.realm import Realm
from pkid.ca.policy import ANY_NAME
from tests.support import Case


class IOther(Interface):
    pass


class RealmTests(Case):
    component = Admission("alice", "key:1")
    member = Member("psk:default", frozenset({Right.READ}), ANY_NAME)

    def test_provides_its_interface(self) -> None:
        verifyObject(IRealm, Realm())

    def test_a_member_is_its_own_avatar(self) -> None:
        for interfaces in ((IMember,), (IOther, IMember)):
            interface, avatar, logout = Realm().requestAvatar(self.member, None, *interfaces)
            self.assertIs(interface, IMember)
            self.assertIs(avatar, self.member)
            self.assertIsNone(logout())

    def test_a_component_is_its_own_avatar(self) -> None:
        interface, avatar, logout = Realm().requestAvatar(self.component, None, IMember, IComponent)
        self.assertEqual((interface, avatar), (IComponent, self.component))
        self.assertIsNone(logout())
        verifyObject(IComponent, avatar)

    def test_a_component_is_no_member_and_a_member_no_component(self) -> None:
        self.assertRaises(NotImplementedError, Realm().requestAvatar, self.component, None, IMember)
        self.assertRaises(NotImplementedError, Realm().requestAvatar, self.member, None, IComponent)

    def test_other_avatars_do_not_exist(self) -> None:
        for interfaces in ((), (IOther,)):
            self.assertRaises(NotImplementedError, Realm().requestAvatar, self.member, None, *interfaces)

    def test_nobody_and_strangers_do_not_come_in(self) -> None:
        strangers: list[Any] = [ANONYMOUS, b"admin", None]
        for stranger in strangers:
            self.assertRaises(NotImplementedError, Realm().requestAvatar, stranger, None, IMember, IComponent)
