"""What goes in and out of a login, as values: the greeting, the proofs, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pkid.auth.psk_proof import PskProof
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import BindingType, Channel

__all__ = ["Admission", "Greeting", "PlainProof", "Proof", "ScramAnswer", "ScramFinish", "ScramStart", "SignedProof"]


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


Proof = SignedProof | ScramStart | ScramFinish | PlainProof | PskProof


@dataclass(frozen=True, slots=True)
class ScramAnswer:
    """What the core says next in a SCRAM exchange."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Admission:
    """The name is proven.

    :ivar credential: by what, for the log.
    :ivar evidence: what proves the core in turn; nothing where the scheme has none.
    """

    component: str
    credential: str
    evidence: bytes = b""
