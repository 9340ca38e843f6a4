"""Checks a client's certificate against the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pkid.auth.credentials import IClientCertificate, Member
from pkid.auth.roles import Right
from pkid.ca.ledger import Entry
from pkid.ca.policy import Policy
from pkid.ca.profile import Purpose
from pkid.errors import Reason, Refused

__all__ = ["CertificateChecker", "FindEntry"]

FindEntry = Callable[[bytes], "Deferred[Entry | None]"]
"""Finds the entry of the certificate with a SHA-256 (32 bytes)."""


@implementer(ICredentialsChecker)
class CertificateChecker:
    """Accepts a component's certificate that stands in the ledger and is valid at this very moment.

    :param is_ours: tells whether the authority signed a certificate (DER); others never reach the ledger.
    :param policy_of: returns the policy of the credential by which a chain of renewals began, if that is known.
    :param now: gives the wall-clock time, aware UTC.
    """

    credentialInterfaces = (IClientCertificate,)

    def __init__(
        self,
        find: FindEntry,
        is_ours: Callable[[bytes], bool],
        policy_of: Callable[[str], Policy | None],
        now: Callable[[], datetime],
    ) -> None:
        self._is_ours = is_ours
        self._find = find
        self._policy_of = policy_of
        self._now = now

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the :class:`Member` that the certificate admits; it may renew the certificate, and no more.

        Fails with ``UnauthorizedLogin`` for any other certificate, and with :class:`~pkid.errors.Refused` when the
        key by which it was obtained is not in service any more, so that nothing says which names are allowed.
        """
        return Deferred.fromCoroutine(self._admit(credentials))

    async def _admit(self, credentials: IClientCertificate) -> Member:
        if not self._is_ours(credentials.certificate):
            raise UnauthorizedLogin
        entry = await self._find(sha256(credentials.certificate).digest())
        if entry is None or entry.profile != Purpose.COMPONENT.value:
            raise UnauthorizedLogin
        if not self._is_ours(credentials.certificate):  # its CA was distrusted meanwhile
            raise UnauthorizedLogin
        if not entry.not_before <= self._now() < entry.not_after:
            raise UnauthorizedLogin
        origin = entry.origin or ""
        policy = self._policy_of(origin)
        if policy is None:
            raise Refused(Reason.RETIRED, origin)
        return Member(f"certificate:{entry.serial:x}", frozenset({Right.RENEW}), policy, certificate=entry)
