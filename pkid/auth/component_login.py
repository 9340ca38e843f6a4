"""A component's side of the broker's login: its proof, and whether the core proves itself in return.

The scheme follows from the component's own credential and from the connection, never from what the core would like: a
core that offers nothing as good is not answered. Pure; the nonce is a parameter.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pkid.auth.own_credential import OwnCertificate, OwnCredential, OwnKey, OwnPassword, OwnPreSharedKey
from pkid.auth.proofs import CertificateProof, Proof, ScramFinish, ScramStart, SignedProof
from pkid.auth.psk_proof import PskProof, authentication_code
from pkid.auth.schemes import Scheme
from pkid.auth.scram_client import ScramClient
from pkid.auth.signatures import scheme_of, sign
from pkid.auth.transcript import BindingType, Channel, Prover, Transcript
from pkid.ca.trust import TrustError
from pkid.errors import Malformed, Refused

__all__ = ["Attempt", "FalseCore", "Invitation", "NotBound", "NotOffered", "begin_attempt", "scheme_for"]

T = TypeVar("T")


class NotOffered(TrustError):
    """The core does not offer the scheme that goes with the component's credential."""


class NotBound(TrustError):
    """A proof could not be bound to its TLS connection, so somebody in the middle could use it."""


class FalseCore(TrustError):
    """The core did not prove that it knows the component's secret."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the core said before the proof, as the component saw it, and the connection as its own end sees it.

    :ivar server: the core's name.
    :ivar nonce: the core's challenge.
    :ivar offers: the names of the schemes that it offered, in its order.
    """

    server: str
    nonce: bytes
    offers: tuple[str, ...]
    channel: Channel


class Attempt(Protocol):
    """One attempt to prove a name: what to send, and what to make of the core's answers; in this order."""

    def start(self) -> Proof:
        """Return the proof, or its first step."""

    def go_on(self, message: bytes) -> Proof:
        """Take the core's message, and return the next step; may derive a key, so not on a reactor.

        :raises FalseCore: when the message does not fit, or the scheme has no more steps.
        """

    def check(self, evidence: bytes) -> None:
        """Check what proves the core in return.

        :raises FalseCore: when it does not prove it, in a scheme that asks for that.
        """


def begin_attempt(invitation: Invitation, component: str, credential: OwnCredential, nonce: bytes) -> Attempt:
    """Begin an attempt to prove a component's name.

    :param nonce: 32 random bytes, fresh for this attempt.
    :raises NotBound: when the connection has TLS and no channel binding, and that is not allowed.
    :raises NotOffered: when the core did not offer the scheme that goes with the credential.
    """
    binding, value = _binding(invitation.channel, credential)
    scheme = scheme_for(credential, binding)
    if scheme.value not in invitation.offers:
        raise NotOffered(
            f"the core {invitation.server} does not offer {scheme.value}, which goes with the credential of"
            f" {component}; nothing weaker is sent. See what the core accepts, and that it is the right one"
        )
    seen = Transcript(
        invitation.server, invitation.nonce, nonce, component, invitation.offers, scheme.value, binding, value
    )
    match credential:
        case OwnCertificate():
            return _Certificate()
        case OwnKey():
            return _Signature(credential, scheme, seen)
        case OwnPassword():
            return _Scram(credential, scheme, seen)
        case OwnPreSharedKey():
            return _PreSharedKey(credential, seen)


def scheme_for(credential: OwnCredential, binding: BindingType) -> Scheme:
    """Return the one scheme that goes with a credential on a connection that binds proofs so."""
    match credential:
        case OwnCertificate():
            return Scheme.CERTIFICATE
        case OwnKey(key):
            return scheme_of(key.public_key())
        case OwnPassword():
            return Scheme.SCRAM if binding is BindingType.NONE else Scheme.SCRAM_PLUS
        case OwnPreSharedKey():
            return Scheme.PSK


def _binding(channel: Channel, credential: OwnCredential) -> tuple[BindingType, bytes]:
    """Return the strongest binding that the connection has; TLS itself binds the certificates that it carries."""
    if isinstance(credential, OwnCertificate) and channel.encrypted:
        return BindingType.NONE, b""
    kind = BindingType.NONE if channel.exporter is None else BindingType.TLS_EXPORTER
    try:
        return kind, channel.binding(kind)
    except Refused:
        raise NotBound(
            "the connection has no channel binding, so that somebody in the middle could use the proof; use TLS 1.3"
            " up to the core itself, or allow unbound proofs on purpose"
        ) from None


class _Certificate:
    """A certificate, by which TLS proved the name before; the core proved itself in the same way."""

    def start(self) -> Proof:
        return CertificateProof()

    def go_on(self, message: bytes) -> Proof:
        raise _unasked()

    def check(self, evidence: bytes) -> None:
        """Have nothing to check."""


class _Signature:
    """A signature; the core proves itself by its certificate, to which the binding ties the proof."""

    def __init__(self, own: OwnKey, scheme: Scheme, seen: Transcript) -> None:
        self._key = own.key
        self._scheme = scheme
        self._seen = seen

    def start(self) -> Proof:
        return SignedProof(self._scheme, self._seen.client_nonce, self._seen.binding_type, sign(self._key, self._seen))

    def go_on(self, message: bytes) -> Proof:
        raise _unasked()

    def check(self, evidence: bytes) -> None:
        """Have nothing to check."""


class _Scram:
    """A password, by SCRAM; the core proves that it knows the verifier."""

    def __init__(self, own: OwnPassword, scheme: Scheme, seen: Transcript) -> None:
        self._scheme = scheme
        self._nonce = seen.client_nonce
        self._client = ScramClient(own.password, seen)

    def start(self) -> Proof:
        return ScramStart(self._scheme, self._nonce, self._client.start())

    def go_on(self, message: bytes) -> Proof:
        return ScramFinish(_true(lambda: self._client.prove(message)))

    def check(self, evidence: bytes) -> None:
        _true(lambda: self._client.check(evidence))


class _PreSharedKey:
    """The pre-shared key; the core proves that it knows it, too."""

    def __init__(self, own: OwnPreSharedKey, seen: Transcript) -> None:
        self._own = own
        self._seen = seen

    def start(self) -> Proof:
        own, seen = self._own, self._seen
        code = authentication_code(own.derived, seen, Prover.COMPONENT)
        return PskProof(own.psk, own.salt, seen.client_nonce, seen.binding_type, code)

    def go_on(self, message: bytes) -> Proof:
        raise _unasked()

    def check(self, evidence: bytes) -> None:
        if not hmac.compare_digest(authentication_code(self._own.derived, self._seen, Prover.CORE), evidence):
            raise _false()


def _true(step: Callable[[], T]) -> T:
    try:
        return step()
    except (Malformed, Refused):
        raise _false() from None


def _false() -> FalseCore:
    return FalseCore("the core did not prove that it knows the component's secret; see that it is the right core")


def _unasked() -> FalseCore:
    return FalseCore("the core asks for another step where the proof was whole; see that it is a core")
