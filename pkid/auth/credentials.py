"""What a caller shows, and what it may do: twisted.cred's credentials and avatar."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from twisted.cred.credentials import ICredentials
from zope.interface import Attribute, Interface, implementer

from pkid.auth.tokens import Binding
from pkid.ca.ledger import Entry

__all__ = [
    "BearerToken",
    "ClientCertificate",
    "IBearerToken",
    "IClientCertificate",
    "IMember",
    "Member",
    "Right",
]


class Right(Enum):
    """What a member may do; the words are the seeds', but for ``renew``: renew the certificate it came with."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    RENEW = "renew"


class IBearerToken(ICredentials):
    """A token that came with a request (RFC 6750)."""

    token: bytes = Attribute("The encoded token, as it came.")
    binding: Binding = Attribute("The request that it came with.")
    peer: str = Attribute("The address that it came from.")


@implementer(IBearerToken)
@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token, the request that it came with, and the address that it came from."""

    token: bytes = field(repr=False)
    binding: Binding
    peer: str


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
    certificate: Entry | None = Attribute("The certificate by which it came in, if it was one.")


@implementer(IMember)
@dataclass(frozen=True, slots=True)
class Member:
    """Somebody whose credential was accepted."""

    credential: str
    rights: frozenset[Right]
    certificate: Entry | None = None
