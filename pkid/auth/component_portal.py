"""The portal that components come in by: for each kind of proof one checker, which asks several in turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, maybeDeferred
from zope.interface import Interface, implementer

from pkid.auth.realm import Realm
from pkid.auth.steps import take
from pkid.errors import Unavailable

__all__ = ["InTurn", "component_portal"]


@implementer(ICredentialsChecker)
class InTurn:
    """Asks several checkers of one kind of credentials, in their order; the first that accepts them decides.

    It is busy only when nobody accepts them and one of the checkers was too busy to tell.
    """

    def __init__(self, interface: type[Interface], checkers: Sequence[ICredentialsChecker]) -> None:
        self.credentialInterfaces = (interface,)
        self._checkers = tuple(checkers)

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with what the first checker says that accepts the credentials; fail with ``UnauthorizedLogin``."""
        return take(self._ask(credentials))

    async def _ask(self, credentials: Any) -> object:
        refusal: Exception = UnauthorizedLogin()
        for checker in self._checkers:
            try:
                return await maybeDeferred(checker.requestAvatarId, credentials)
            except LoginFailed:
                continue
            except Unavailable as busy:
                refusal = busy
        raise refusal


def component_portal(checkers: Iterable[ICredentialsChecker]) -> Portal:
    """Return a portal with these checkers, of which several may take the same kind of credentials."""
    by_interface: dict[type[Interface], list[ICredentialsChecker]] = {}
    for checker in checkers:
        for interface in checker.credentialInterfaces:
            by_interface.setdefault(interface, []).append(checker)
    portal = Portal(Realm())
    for interface, found in by_interface.items():
        portal.registerChecker(found[0] if len(found) == 1 else InTurn(interface, found), interface)
    return portal
