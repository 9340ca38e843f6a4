"""Checks names and passwords by a checker of anybody's, as those that come with Twisted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, maybeDeferred
from zope.interface import implementer

from pkid.auth.attempts import Attempts
from pkid.auth.component_credentials import Password
from pkid.auth.fairness import peer_key
from pkid.auth.keyring_checkers import Find
from pkid.auth.proofs import Admission
from pkid.ca.names import is_component

__all__ = ["ATTEMPTS_SPAN", "MOST_ATTEMPTS", "PasswordChecker"]

MOST_ATTEMPTS = 10
"""Wrong passwords of one name, and from one address, within :data:`ATTEMPTS_SPAN`."""

ATTEMPTS_SPAN = timedelta(minutes=1)


@implementer(ICredentialsChecker)
class PasswordChecker:
    """Lets another checker decide about a name and a password, but for names with a credential of their own.

    What that checker says the name is must be the name that was given.

    :param kind: what to call it in the log: ``file``.
    :param find: returns the stored credentials of a name.
    :param attempts: counts wrong passwords, by name and by address.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, kind: str, checker: ICredentialsChecker, find: Find, attempts: Attempts) -> None:
        self._kind = kind
        self._checker = checker
        self._find = find
        self._attempts = attempts

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the :class:`~pkid.auth.proofs.Admission` that the password is good for.

        Fails with ``UnauthorizedLogin``, and with :class:`~pkid.errors.Unavailable` after too many wrong ones.
        """
        return Deferred.fromCoroutine(self._admit(credentials))

    async def _admit(self, credentials: Password) -> Admission:
        component = credentials.username.decode("ascii", "replace")
        if not is_component(component) or await self._find(component):
            raise UnauthorizedLogin
        keys = (f"name {component}", f"address {peer_key(credentials.peer)}")
        for key in keys:
            self._attempts.begin(key)
        avatar = await maybeDeferred(self._checker.requestAvatarId, credentials)
        if avatar not in (credentials.username, component):
            raise UnauthorizedLogin
        for key in keys:
            self._attempts.take_back(key)
        return Admission(component, f"password:{self._kind}")
