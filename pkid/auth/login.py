"""One connection's login: what is offered for a name, and whether a proof is good.

Makes of a proof the credentials that the portal is asked about; the portal's checkers decide. It is good for one
attempt. What was wrong with a proof is nobody's business: there is one refusal for everything.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import ICredentials
from twisted.cred.error import LoginFailed
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred

from pkid.auth.component_credentials import (
    IdentityCertificate,
    Password,
    PlainResponse,
    PskCode,
    ScramExchange,
    Signature,
)
from pkid.auth.identity_checker import component_in
from pkid.auth.offers import Offers
from pkid.auth.proofs import (
    Admission,
    CertificateProof,
    Greeting,
    IComponent,
    PasswordProof,
    PlainProof,
    Proof,
    ScramAnswer,
    ScramFinish,
    ScramStart,
    SignedProof,
)
from pkid.auth.psk_proof import PskProof
from pkid.auth.schemes import SCRAM, SIGNATURES, Scheme, scheme_names
from pkid.auth.transcript import NONCE_SIZE, BindingType, Transcript
from pkid.ca.names import TrustDomain
from pkid.errors import Malformed, Reason, Refused

__all__ = ["Login"]


class Login:
    """The login of one connection.

    :param offers: says which schemes a name may use.
    :param trust_domain: where the identities in certificates belong.
    :param peer: the address of the connection's other end.
    :param certificate: the certificate that the other end showed, DER, whose key TLS proved.
    """

    def __init__(
        self,
        greeting: Greeting,
        portal: Portal,
        offers: Offers,
        trust_domain: TrustDomain,
        *,
        peer: str = "",
        certificate: bytes | None = None,
    ) -> None:
        self._greeting = greeting
        self._portal = portal
        self._offers = offers
        self._peer = peer
        self._certificate = certificate
        self._trust_domain = trust_domain
        self._offered = scheme_names(greeting.accepted)
        self._spent = False
        self._exchange: tuple[ScramExchange, Deferred[Any]] | None = None

    async def offer(self, component: str) -> tuple[str, ...]:
        """Return the schemes by which a name may be proven; none when it has no credential and that is no secret.

        A name with a credential is never offered nothing, because then it could be used without a proof.
        """
        schemes = list(await self._offers.schemes(component))
        if self._certificate is not None and Scheme.CERTIFICATE in self._greeting.accepted:
            if component_in(self._certificate, self._trust_domain) == component:
                schemes.append(Scheme.CERTIFICATE)
        usable = [scheme for scheme in schemes if self._is_usable(scheme)]
        self._offered = scheme_names(tuple(usable or schemes))
        return self._offered

    async def prove(self, component: str, proof: Proof) -> Admission | ScramAnswer:
        """Check a proof; there is one attempt, which in SCRAM has two steps.

        :raises Refused: ``proof-failed``, for whatever is wrong.
        :raises Unavailable: ``busy`` when there is no time to tell.
        """
        is_next, self._spent = self._spent == isinstance(proof, ScramFinish), True
        if not is_next:
            self._exchange = None
            raise Refused(Reason.PROOF_FAILED)
        try:
            match proof:
                case ScramStart():
                    return await self._start(component, proof)
                case ScramFinish(message):
                    return await self._finish(component, message)
                case _:
                    return await self._admit(component, self._ask(self._credentials(component, proof)))
        except (LoginFailed, Malformed, Refused):
            raise Refused(Reason.PROOF_FAILED) from None

    def _credentials(
        self, component: str, proof: SignedProof | PskProof | PlainProof | CertificateProof | PasswordProof
    ) -> ICredentials:
        match proof:
            case SignedProof(scheme, client_nonce, binding, signature):
                _check_is(scheme in SIGNATURES)
                return Signature(self._transcript(component, scheme, client_nonce, binding), signature)
            case PskProof():
                transcript = self._transcript(component, Scheme.PSK, proof.client_nonce, proof.binding)
                return PskCode(transcript, proof, self._peer)
            case PlainProof(response):
                return PlainResponse(component, self._greeting.nonce, self._greeting.accepted, response)
            case CertificateProof():
                _check_is(self._certificate is not None and Scheme.CERTIFICATE in self._greeting.accepted)
                return IdentityCertificate(component, self._certificate or b"")
            case PasswordProof(password):
                _check_is(self._greeting.channel.encrypted and Scheme.PASSWORD in self._greeting.accepted)
                return Password(
                    component.encode("utf-8", "surrogatepass"), password.encode("utf-8", "surrogatepass"), self._peer
                )

    async def _start(self, component: str, proof: ScramStart) -> ScramAnswer:
        _check_is(proof.scheme in SCRAM)
        binding = BindingType.TLS_EXPORTER if proof.scheme is Scheme.SCRAM_PLUS else BindingType.NONE
        transcript = self._transcript(component, proof.scheme, proof.client_nonce, binding)
        exchange = ScramExchange(transcript, proof.message, Scheme.SCRAM_PLUS.value in self._offered)
        login = self._ask(exchange)
        login.addErrback(exchange.fail)
        answer = ScramAnswer(await exchange.answered)
        self._exchange = exchange, login
        return answer

    async def _finish(self, component: str, message: bytes) -> Admission:
        (exchange, login), self._exchange = self._exchange or (None, None), None
        if exchange is None or login is None or exchange.transcript.component != component:
            raise Refused(Reason.PROOF_FAILED)
        exchange.finish(message)
        return await self._admit(component, login)

    def _ask(self, credentials: ICredentials) -> Deferred[Any]:
        return self._portal.login(credentials, None, IComponent)

    async def _admit(self, component: str, login: Deferred[Any]) -> Admission:
        _, admission, _ = await login
        _check_is(admission.component == component)
        checked: Admission = admission
        return checked

    def _transcript(self, component: str, scheme: Scheme, client_nonce: bytes, binding: BindingType) -> Transcript:
        chosen = scheme.value
        _check_is(scheme in self._greeting.accepted and chosen in self._offered)
        _check_is(len(client_nonce) == NONCE_SIZE)
        greeting, value = self._greeting, self._greeting.channel.binding(binding)
        return Transcript(
            greeting.server, greeting.nonce, client_nonce, component, self._offered, chosen, binding, value
        )

    def _is_usable(self, scheme: Scheme) -> bool:
        channel = self._greeting.channel
        if scheme is Scheme.SCRAM_PLUS and channel.exporter is None:
            return False
        if scheme is Scheme.SCRAM and not channel.takes_unbound:
            return False
        if scheme is Scheme.PASSWORD and not channel.encrypted:
            return False
        return scheme in self._greeting.accepted


def _check_is(fact: bool) -> None:
    if not fact:
        raise Refused(Reason.PROOF_FAILED)
