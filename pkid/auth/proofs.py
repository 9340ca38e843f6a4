"""What goes in and out of a login, as values: the greeting, the proofs, what comes of them, and keys for next time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from zope.interface import Attribute, Interface, implementer

from pkid.auth.psk_proof import PskProof
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import BindingType, Channel

__all__ = [
    "Admission",
    "CertificateProof",
    "Greeting",
    "IComponent",
    "PasswordProof",
    "PlainProof",
    "Proof",
    "Registration",
    "ScramAnswer",
    "ScramFinish",
    "ScramStart",
    "SignedProof",
]


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the core said before it knew who is there.

    :ivar server: the core's name.
    :ivar nonce: the challenge, 32 random bytes, fresh for this connection.
    :ivar accepted: the schemes that the door takes, the best first; the plain ones only where they must be.
    """

    server: str
    nonce: bytes
    channel: Channel
    accepted: tuple[Scheme, ...]


@dataclass(frozen=True, slots=True)
class SignedProof:
    """A signature over the transcript."""

    scheme: Scheme
    client_nonce: bytes
    binding: BindingType
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScramStart:
    """The first message of a SCRAM exchange."""

    scheme: Scheme
    client_nonce: bytes
    message: bytes


@dataclass(frozen=True, slots=True)
class ScramFinish:
    """The final message of a SCRAM exchange."""

    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlainProof:
    """A plain signature or digest; which of them, the stored credential says."""

    response: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateProof:
    """A reference to the certificate of the component's end of the connection, whose key TLS proved."""


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """A password as it is, for checkers of passwords that know nothing better."""

    password: str = field(repr=False)


Proof = SignedProof | ScramStart | ScramFinish | PlainProof | PskProof | CertificateProof | PasswordProof


@dataclass(frozen=True, slots=True)
class ScramAnswer:
    """What the core says next in a SCRAM exchange."""

    message: bytes


class IComponent(Interface):
    """A component that proved its name: the avatar that the broker asks the portal for."""

    component: str = Attribute("Its name.")
    credential: str = Attribute("By what the name is proven, as kind:name, for the log.")
    evidence: bytes = Attribute("What proves the core in turn; nothing where the scheme has none.")
    expires: datetime | None = Attribute("When what proved the name ends, aware UTC; None for no end.")
    origin: str = Attribute("By what that credential was got, as kind:name; nothing if it stands for itself.")


@implementer(IComponent)
@dataclass(frozen=True, slots=True)
class Admission:
    """The name is proven.

    :ivar credential: by what, for the log.
    :ivar evidence: what proves the core in turn; nothing where the scheme has none.
    :ivar expires: when the credential ends, aware UTC; ``None`` for no end.
    :ivar origin: by what the credential was got, without which it is good for nothing; nothing if it stands for itself.
    """

    component: str
    credential: str
    evidence: bytes = b""
    expires: datetime | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """A key that is to be registered, and what entitles to that.

    :ivar key: the public key, PEM or DER.
    :ivar pin: a PIN, for who did not prove a name.
    :ivar expires: from when on the key is to prove nothing, aware UTC.
    """

    key: bytes
    pin: str | None = field(default=None, repr=False)
    expires: datetime | None = None
