"""Checks a component's name by a certificate of the authority's own.

Only the identity, the one URI among the certificate's alternative names, says a component's name: neither a common name
nor a DNS name ever does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography import x509
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pkid.auth.certificates import FindEntry
from pkid.auth.component_credentials import IIdentityCertificate
from pkid.auth.proofs import Admission
from pkid.auth.psk_checker import IsReserved
from pkid.auth.steps import take
from pkid.ca.ledger import Entry
from pkid.ca.names import TrustDomain
from pkid.ca.policy import Policy
from pkid.ca.profile import Purpose
from pkid.ca.trust import UnfitCertificate, names_of
from pkid.errors import Refused

__all__ = ["IdentityChecker", "component_in"]

_MOST_REMEMBERED = 4096


def component_in(certificate: bytes, trust_domain: TrustDomain) -> str | None:
    """Return the component whose identity stands in a certificate (DER), if there is one, and one only.

    Nothing of the certificate is verified.
    """
    try:
        (uri,) = names_of(x509.load_der_x509_certificate(certificate)).uri
        return trust_domain.component(uri)
    except (ValueError, UnfitCertificate, Refused):
        return None


@implementer(ICredentialsChecker)
class IdentityChecker:
    """Accepts a certificate for the name that is its identity, if it stands in the ledger and is valid now.

    :param find: finds the ledger's entry.
    :param is_ours: tells whether the authority signed a certificate (DER); others never reach the ledger.
    :param policy_of: returns the policy of the credential by which a chain of renewals began, if it is in service.
    :param is_reserved: tells which names that policy must list literally.
    :param now: gives the wall-clock time, aware UTC.
    """

    credentialInterfaces = (IIdentityCertificate,)

    def __init__(
        self,
        trust_domain: TrustDomain,
        find: FindEntry,
        is_ours: Callable[[bytes], bool],
        policy_of: Callable[[str], Policy | None],
        is_reserved: IsReserved,
        now: Callable[[], datetime],
    ) -> None:
        self._trust_domain = trust_domain
        self._find = find
        self._is_ours = is_ours
        self._policy_of = policy_of
        self._is_reserved = is_reserved
        self._now = now
        self._component_in = lru_cache(_MOST_REMEMBERED)(component_in)  # what stands in a certificate never changes

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the :class:`~pkid.auth.proofs.Admission` that the certificate is good for.

        Fails with ``UnauthorizedLogin`` for any other certificate.
        """
        return take(self._admit(credentials))

    async def _admit(self, credentials: IIdentityCertificate) -> Admission:
        component, certificate = credentials.component, credentials.certificate
        # Only of ours is anything remembered, so that strangers leave nothing behind.
        if not self._is_ours(certificate) or self._component_in(certificate, self._trust_domain) != component:
            raise UnauthorizedLogin
        entry = await self._find(sha256(certificate).digest())
        reserved = await self._is_reserved(component)
        if entry is None or not self._is_good(entry, component) or not self._is_ours(certificate):
            raise UnauthorizedLogin  # also when its CA was distrusted meanwhile
        origin = entry.origin or ""
        policy = self._policy_of(origin)
        if policy is None or not policy.may_be_proven(component, reserved=reserved):
            raise UnauthorizedLogin
        return Admission(component, f"certificate:{entry.serial:x}", expires=entry.not_after, origin=origin)

    def _is_good(self, entry: Entry, component: str) -> bool:
        names_it = entry.proven and entry.name == component and entry.profile == Purpose.COMPONENT.value
        return names_it and entry.not_before <= self._now() < entry.not_after
