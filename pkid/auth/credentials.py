"""What a caller shows, and what it may do: twisted.cred's credentials and avatar."""

from __future__ import annotations

from dataclasses import dataclass, field

from twisted.cred.credentials import ICredentials
from zope.interface import Attribute, Interface, implementer

from pkid.auth.roles import Right
from pkid.auth.tokens import Binding
from pkid.ca.ledger import Entry
from pkid.ca.policy import Policy

__all__ = [
    "BearerToken",
    "ClientCertificate",
    "IBearerToken",
    "IClientCertificate",
    "IMember",
    "Member",
    "Right",
]


class IBearerToken(ICredentials):
    """A token that came with a request (RFC 6750)."""

    token: bytes = Attribute("The encoded token, as it came.")
    binding: Binding = Attribute("The request that it came with.")
    peer: str = Attribute("The address that it came from.")
    psk: str | None = Attribute("The name of the pre-shared key that the path selects, if it selects one.")
    suspect: bool = Attribute("Whether the last credential on the same connection was refused.")


@implementer(IBearerToken)
@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token, the request that it came with, the address that it came from, and the key that the path selects.

    It is suspect when the last credential on its connection was refused; then it waits with strangers.
    """

    token: bytes = field(repr=False)
    binding: Binding
    peer: str
    psk: str | None = None
    suspect: bool = False


class IClientCertificate(ICredentials):
    """A certificate whose key the peer of a TLS connection proved to have."""

    certificate: bytes = Attribute("The certificate, DER.")


@implementer(IClientCertificate)
@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate that came with a TLS connection; TLS proved its key, and nothing else."""

    certificate: bytes


class IMember(Interface):
    """Somebody who may come in: the avatar that the doors ask the portal for."""

    credential: str = Attribute("By what it came in, as kind:name (psk:default).")
    rights: frozenset[Right] = Attribute("What it may do.")
    policy: Policy = Attribute("Which names it may ask for.")
    is_user: bool = Attribute("Whether it speaks for a user, whose roles the seeds define.")
    certificate: Entry | None = Attribute("The certificate by which it came in, if it was one.")


@implementer(IMember)
@dataclass(frozen=True, slots=True)
class Member:
    """Somebody whose credential was accepted."""

    credential: str
    rights: frozenset[Right]
    policy: Policy
    is_user: bool = False
    certificate: Entry | None = None
