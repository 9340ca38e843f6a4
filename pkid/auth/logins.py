"""The logins of all connections: which schemes are of any use, and a login for each connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.portal import Portal
from zope.interface import Interface

from pkid.auth.component_credentials import (
    IIdentityCertificate,
    IPlainResponse,
    IPskCode,
    IScramExchange,
    ISignature,
)
from pkid.auth.login import Login
from pkid.auth.offers import Offers
from pkid.auth.proofs import Greeting
from pkid.auth.schemes import PLAIN, SCRAM, SIGNATURES, Scheme
from pkid.ca.names import TrustDomain

__all__ = ["SCHEMES", "Logins"]

SCHEMES: Mapping[type[Interface], frozenset[Scheme]] = {
    ISignature: SIGNATURES,
    IScramExchange: SCRAM,
    IPskCode: frozenset({Scheme.PSK}),
    IPlainResponse: PLAIN,
    IIdentityCertificate: frozenset({Scheme.CERTIFICATE}),
    IUsernamePassword: frozenset({Scheme.PASSWORD}),
}
"""The schemes that each kind of credentials stands for."""


class Logins:
    """Begins the login of each connection.

    :param portal: knows a checker for each kind of proof that is accepted.
    :param offers: says which schemes a name may use.
    :param trust_domain: where the identities in certificates belong.
    """

    def __init__(self, portal: Portal, offers: Offers, trust_domain: TrustDomain) -> None:
        self._portal = portal
        self._offers = offers
        self._trust_domain = trust_domain
        self._checked = frozenset().union(*(SCHEMES.get(kind, ()) for kind in portal.listCredentialsInterfaces()))

    def accepted(self, schemes: Iterable[Scheme]) -> tuple[Scheme, ...]:
        """Return those of a door's schemes that some checker knows, in the door's order."""
        return tuple(scheme for scheme in schemes if scheme in self._checked)

    def begin(self, greeting: Greeting, peer: str = "", certificate: bytes | None = None) -> Login:
        """Return the login of a new connection; parameters as for :class:`~pkid.auth.login.Login`."""
        return Login(greeting, self._portal, self._offers, self._trust_domain, peer=peer, certificate=certificate)
