"""One connection's login: what is offered for a name, and whether a proof is good.

It is good for one attempt. What was wrong with a proof is nobody's business: there is one refusal for everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from pkid.auth.component_keyring import ComponentKeyring, SharedSecret, StoredCredential
from pkid.auth.decoys import Decoys
from pkid.auth.plain import verify_digest, verify_plain
from pkid.auth.proofs import Admission, Greeting, PlainProof, Proof, ScramAnswer, ScramFinish, ScramStart, SignedProof
from pkid.auth.psk_proof import PskProof, PskVerifier
from pkid.auth.schemes import PLAIN, SCRAM, SIGNATURES, Scheme
from pkid.auth.scram import ScramServer, ScramVerifier
from pkid.auth.signatures import verify
from pkid.auth.transcript import NONCE_SIZE, BindingType, Transcript
from pkid.errors import Malformed, Reason, Refused

__all__ = ["Login"]


class Login:
    """The login of one connection.

    :param now: gives the wall-clock time in seconds since the epoch.
    :param decoys: hides which names have a credential; for a core that serves proven names only.
    :param psks: checks proofs by a pre-shared key, where these are accepted.
    :param peer: the address of the connection's other end.
    """

    def __init__(
        self,
        greeting: Greeting,
        keyring: ComponentKeyring,
        now: Callable[[], float],
        *,
        decoys: Decoys | None = None,
        psks: PskVerifier | None = None,
        peer: str = "",
    ) -> None:
        self._greeting = greeting
        self._keyring = keyring
        self._now = now
        self._decoys = decoys
        self._psks = psks
        self._peer = peer
        self._offered = tuple(scheme.value for scheme in greeting.accepted)
        self._spent = False
        self._exchange: tuple[ScramServer, StoredCredential] | None = None

    async def offer(self, component: str) -> tuple[str, ...]:
        """Return the schemes by which a name may be proven; none when it has no credential and that is no secret.

        A name with a credential is never offered nothing, because then it could be used without a proof.
        """
        stored = await self._stored(component)
        schemes = list(dict.fromkeys(scheme for credential in stored for scheme in credential.schemes))
        if schemes and self._psks is not None:
            schemes.append(Scheme.PSK)
        usable = [scheme for scheme in schemes if self._is_usable(scheme)]
        self._offered = tuple(scheme.value for scheme in usable or schemes)
        return self._offered

    async def prove(self, component: str, proof: Proof) -> Admission | ScramAnswer:
        """Check a proof; there is one attempt, which in SCRAM has two steps.

        :raises Refused: ``proof-failed``, for whatever is wrong.
        :raises Unavailable: ``busy`` when there is no time to derive a key.
        """
        if self._spent != isinstance(proof, ScramFinish):
            self._exchange = None
            raise Refused(Reason.PROOF_FAILED)
        self._spent = True
        try:
            return await self._check(component, proof)
        except Malformed:
            raise Refused(Reason.PROOF_FAILED) from None

    async def _check(self, component: str, proof: Proof) -> Admission | ScramAnswer:
        match proof:
            case ScramFinish(message):
                return await self._finish(component, message)
            case PskProof():
                return await self._by_psk(component, proof)
        now = self._now()
        active = [credential for credential in await self._stored(component) if credential.is_active(now)]
        match proof:
            case SignedProof():
                return await self._by_signature(component, proof, active)
            case ScramStart():
                return self._start(component, proof, active)
            case PlainProof():
                return await self._by_plain(component, proof, active)

    async def _by_signature(self, component: str, proof: SignedProof, active: Iterable[StoredCredential]) -> Admission:
        _check_is(proof.scheme in SIGNATURES)
        login = self._transcript(component, proof.scheme, proof.client_nonce, proof.binding)

        def check(credential: StoredCredential) -> None:
            material = credential.material
            _check_is(proof.scheme in credential.schemes)
            assert not isinstance(material, ScramVerifier | SharedSecret)
            verify(material, login, proof.signature)

        return await self._admit(_first_good(active, check))

    def _start(self, component: str, proof: ScramStart, active: Sequence[StoredCredential]) -> ScramAnswer:
        _check_is(proof.scheme in SCRAM)
        binding = BindingType.TLS_EXPORTER if proof.scheme is Scheme.SCRAM_PLUS else BindingType.NONE
        login = self._transcript(component, proof.scheme, proof.client_nonce, binding)
        for credential in active:
            if isinstance(credential.material, ScramVerifier):
                binds = Scheme.SCRAM_PLUS.value in self._offered
                server = ScramServer(credential.material, login, offers_binding=binds)
                self._exchange = server, credential
                return ScramAnswer(server.answer(proof.message))
        raise Refused(Reason.PROOF_FAILED)

    async def _finish(self, component: str, message: bytes) -> Admission:
        exchange, self._exchange = self._exchange, None
        if exchange is None or exchange[1].component != component:
            raise Refused(Reason.PROOF_FAILED)
        server, credential = exchange
        return await self._admit(credential, server.finish(message))

    async def _by_plain(self, component: str, proof: PlainProof, active: Iterable[StoredCredential]) -> Admission:
        challenge = self._greeting.nonce

        def check(credential: StoredCredential) -> None:
            _check_is(any(scheme in PLAIN and scheme in self._greeting.accepted for scheme in credential.schemes))
            match credential.material:
                case SharedSecret(secret):
                    verify_digest(secret, challenge, proof.response)
                case ScramVerifier():
                    raise Refused(Reason.PROOF_FAILED)
                case key:
                    verify_plain(key, challenge, component, proof.response)

        return await self._admit(_first_good(active, check))

    async def _by_psk(self, component: str, proof: PskProof) -> Admission:
        login = self._transcript(component, Scheme.PSK, proof.client_nonce, proof.binding)
        if self._psks is None:
            raise Refused(Reason.PROOF_FAILED)
        has_credential = bool(await self._keyring.find(component))
        credential, evidence = await self._psks.verify(proof, login, self._peer, has_credential=has_credential)
        return Admission(component, credential, evidence)

    async def _stored(self, component: str) -> Sequence[StoredCredential]:
        found = await self._keyring.find(component)
        return found if found or self._decoys is None else [self._decoys.credential(component)]

    async def _admit(self, credential: StoredCredential, evidence: bytes = b"") -> Admission:
        """Admit, if the credential is in the keyring still; a decoy never is."""
        now = self._now()
        if credential not in await self._keyring.find(credential.component) or not credential.is_active(now):
            raise Refused(Reason.PROOF_FAILED)
        await self._keyring.note_use(credential.identifier, datetime.fromtimestamp(now, UTC))
        return Admission(credential.component, f"key:{credential.identifier}", evidence)

    def _transcript(self, component: str, scheme: Scheme, client_nonce: bytes, binding: BindingType) -> Transcript:
        _check_is(scheme in self._greeting.accepted and scheme.value in self._offered)
        _check_is(len(client_nonce) == NONCE_SIZE)
        greeting, value = self._greeting, self._greeting.channel.binding(binding)
        return Transcript(
            greeting.server, greeting.nonce, client_nonce, component, self._offered, scheme.value, binding, value
        )

    def _is_usable(self, scheme: Scheme) -> bool:
        channel = self._greeting.channel
        if scheme is Scheme.SCRAM_PLUS and channel.exporter is None:
            return False
        if scheme is Scheme.SCRAM and not channel.takes_unbound:
            return False
        return scheme in self._greeting.accepted


def _check_is(fact: bool) -> None:
    if not fact:
        raise Refused(Reason.PROOF_FAILED)


def _first_good(credentials: Iterable[StoredCredential], check: Callable[[StoredCredential], None]) -> StoredCredential:
    """Return the first credential that passes a check.

    :raises Refused: ``proof-failed`` when there is none.
    """
    for credential in credentials:
        try:
            check(credential)
        except Refused:
            continue
        return credential
    raise Refused(Reason.PROOF_FAILED)
