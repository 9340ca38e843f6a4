"""The realm: gives those who came in their avatar."""

from __future__ import annotations

from collections.abc import Callable

from twisted.cred.portal import IRealm
from zope.interface import Interface, implementer

from pkid.auth.credentials import IMember, Member

__all__ = ["Realm"]


@implementer(IRealm)
class Realm:
    """Everybody whom a checker admits is a member; the checker already said what it may do."""

    def requestAvatar(
        self, avatarId: Member | bytes | tuple[()], mind: object, *interfaces: type[Interface]
    ) -> tuple[type[Interface], object, Callable[[], None]]:
        """Return the member itself.

        :raises NotImplementedError: for any avatar but :class:`IMember`, and for anonymous callers.
        """
        if IMember not in interfaces or not isinstance(avatarId, Member):
            raise NotImplementedError("only members come in here")
        return IMember, avatarId, lambda: None
