"""The realm: gives those who came in their avatar."""

from __future__ import annotations

from collections.abc import Callable

from twisted.cred.portal import IRealm
from zope.interface import Interface, implementer

from pkid.auth.credentials import IMember, Member
from pkid.auth.proofs import Admission, IComponent

__all__ = ["Realm"]

_AVATARS: tuple[tuple[type[Interface], type], ...] = ((IMember, Member), (IComponent, Admission))


@implementer(IRealm)
class Realm:
    """Members for the pages, components for the broker; the checker already said all that is to be known of them."""

    def requestAvatar(
        self, avatarId: Member | Admission | bytes | tuple[()], mind: object, *interfaces: type[Interface]
    ) -> tuple[type[Interface], object, Callable[[], None]]:
        """Return the member, or the component, itself.

        :raises NotImplementedError: for any other kind of avatar, and for anonymous callers.
        """
        for interface, kind in _AVATARS:
            if interface in interfaces and isinstance(avatarId, kind):
                return interface, avatarId, lambda: None
        raise NotImplementedError("only members and components come in here")
