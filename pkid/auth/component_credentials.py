"""What a component shows to prove its name: twisted.cred's credentials, an interface for each kind of proof.

A portal keeps one checker for each interface, so the kind of proof decides who checks it, and nothing that the proof
says of itself.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any

from twisted.cred.credentials import ICredentials, IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from zope.interface import Attribute, implementer

from pkid.auth.psk_proof import PskProof
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Transcript

__all__ = [
    "IIdentityCertificate",
    "IPlainResponse",
    "IPskCode",
    "IScramExchange",
    "ISignature",
    "IdentityCertificate",
    "Password",
    "PlainResponse",
    "PskCode",
    "ScramExchange",
    "Signature",
]


class ISignature(ICredentials):
    """A signature over the transcript of a login."""

    transcript: Transcript = Attribute("What is signed; its chosen scheme says how.")
    signature: bytes = Attribute("The signature.")


@implementer(ISignature)
@dataclass(frozen=True, slots=True)
class Signature:
    """A signature over the transcript of a login."""

    transcript: Transcript
    signature: bytes = field(repr=False)


class IPskCode(ICredentials):
    """An authentication code over the transcript, by a pre-shared key."""

    transcript: Transcript = Attribute("What the code is over.")
    proof: PskProof = Attribute("The code, and which key it is made with.")
    peer: str = Attribute("The address that it came from.")


@implementer(IPskCode)
@dataclass(frozen=True, slots=True)
class PskCode:
    """An authentication code over the transcript, by a pre-shared key."""

    transcript: Transcript
    proof: PskProof
    peer: str


class IScramExchange(ICredentials):
    """A conversation in which a component proves to know a password (RFC 5802)."""

    transcript: Transcript = Attribute("The login so far.")
    first: bytes = Attribute("The component's first message.")
    binds: bool = Attribute("Whether a form that is bound to the connection was offered.")

    def converse(answer: bytes) -> Deferred[bytes]:
        """Say the core's first message, once; fire with the component's final one."""


@implementer(IScramExchange)
class ScramExchange:
    """A conversation between a checker and a component; there is one, whichever checker begins it.

    :ivar answered: fires with the core's first message, or fails as the login does when there is none.
    """

    def __init__(self, transcript: Transcript, first: bytes, binds: bool) -> None:
        self.transcript = transcript
        self.first = first
        self.binds = binds
        self.answered: Deferred[bytes] = Deferred()
        self._final: Deferred[bytes] = Deferred()

    def converse(self, answer: bytes) -> Deferred[bytes]:
        """Say the core's first message, once; fire with the component's final one.

        :raises UnauthorizedLogin: when it was said already.
        """
        if self.answered.called:
            raise UnauthorizedLogin
        self.answered.callback(answer)
        return self._final

    def finish(self, final: bytes) -> None:
        """Pass on the component's final message."""
        self._final.callback(final)

    def fail(self, failure: Any) -> Any:
        """Take note that the login failed; who waits for the core's first message hears it, or else the next."""
        if self.answered.called:
            return failure
        self.answered.errback(failure)
        return None


class IPlainResponse(ICredentials):
    """A plain signature or digest: what :mod:`pkid.auth.plain` checks."""

    component: str = Attribute("The component's name.")
    challenge: bytes = Attribute("What the core asked it with.")
    accepted: tuple[Scheme, ...] = Attribute("The schemes that the door takes.")
    response: bytes = Attribute("The signature or digest.")


@implementer(IPlainResponse)
@dataclass(frozen=True, slots=True)
class PlainResponse:
    """A plain signature or digest."""

    component: str
    challenge: bytes
    accepted: tuple[Scheme, ...]
    response: bytes = field(repr=False)


class IIdentityCertificate(ICredentials):
    """A certificate whose key a component proved to have, and the name that it is to prove."""

    component: str = Attribute("The component's name.")
    certificate: bytes = Attribute("The certificate, DER; TLS proved its key, and nothing else.")


@implementer(IIdentityCertificate)
@dataclass(frozen=True, slots=True)
class IdentityCertificate:
    """A certificate that came with a TLS connection, and the name that it is to prove."""

    component: str
    certificate: bytes = field(repr=False)


@implementer(IUsernamePassword)
@dataclass(frozen=True, slots=True)
class Password:
    """A name and a password as they are, for any checker of passwords.

    :ivar peer: the address that they came from.
    """

    username: bytes
    password: bytes = field(repr=False)
    peer: str

    def checkPassword(self, password: bytes) -> bool:
        """Compare it with the right one, in the same time wherever they differ."""
        return hmac.compare_digest(self.password, password)
