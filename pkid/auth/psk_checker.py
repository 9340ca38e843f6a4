"""Checks proofs of a component's name by the pre-shared keys in service."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pkid.auth.component_credentials import IPskCode
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.proofs import Admission
from pkid.auth.psk import PreSharedKey
from pkid.auth.psk_proof import LONGEST_SALT, SHORTEST_SALT, PskProof, authentication_code
from pkid.auth.steps import take
from pkid.auth.transcript import Prover

__all__ = ["IsReserved", "PskChecker"]

IsReserved = Callable[[str], Awaitable[bool]]
"""Tells whether a name has rights, or a credential of its own: who is to have it must be meant by name."""


@implementer(ICredentialsChecker)
class PskChecker:
    """Accepts a code by a pre-shared key whose role and policy give the name, and proves the core in turn."""

    credentialInterfaces = (IPskCode,)

    def __init__(self, psks: Keyring, derivation: KeyDerivation, is_reserved: IsReserved) -> None:
        self._psks = psks
        self._derivation = derivation
        self._is_reserved = is_reserved

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the :class:`~pkid.auth.proofs.Admission` that the code is good for, by ``psk:NAME``.

        Fails with ``UnauthorizedLogin`` for whatever is wrong with it, and with :class:`~pkid.errors.Unavailable`
        (``busy``) when too many wait for a key to be derived.
        """
        return take(self._admit(credentials))

    async def _admit(self, credentials: IPskCode) -> Admission:
        proof, transcript = credentials.proof, credentials.transcript
        psk = await self._find(proof, transcript.component)
        recalled = self._derivation.recall(psk, proof.salt)
        derived = recalled or await self._derivation.derive(psk, proof.salt, credentials.peer)
        good = authentication_code(derived, transcript, Prover.COMPONENT)
        if not hmac.compare_digest(good, proof.code):
            raise UnauthorizedLogin
        if recalled is None:
            if await self._find(proof, transcript.component) != psk:
                raise UnauthorizedLogin  # it ended, or the name was given away, while it was derived
            self._derivation.remember(psk, proof.salt, derived)
        self._derivation.welcome(credentials.peer)
        evidence = authentication_code(derived, transcript, Prover.CORE)
        return Admission(transcript.component, psk.credential, evidence, psk.terms.expires)

    async def _find(self, proof: PskProof, component: str) -> PreSharedKey:
        reserved = await self._is_reserved(component)
        psk = self._psks.find(proof.psk)
        if psk is None or not psk.gives_names or not SHORTEST_SALT <= len(proof.salt) <= LONGEST_SALT:
            raise UnauthorizedLogin
        if not psk.terms.policy.may_be_proven(component, reserved=reserved):
            raise UnauthorizedLogin
        return psk
