"""Checks proofs against the stored credentials of a keyring, each by the scheme that is stored and no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pkid.auth.component_credentials import IPlainResponse, IScramExchange, ISignature
from pkid.auth.component_keyring import ComponentKeyring, SharedSecret, StoredCredential
from pkid.auth.plain import verify_digest, verify_plain
from pkid.auth.proofs import Admission
from pkid.auth.schemes import PLAIN
from pkid.auth.scram import ScramServer, ScramVerifier
from pkid.auth.signatures import verify
from pkid.auth.steps import take
from pkid.errors import Malformed, Reason, Refused

__all__ = ["Find", "KeyringChecker", "PlainChecker", "ScramChecker", "SignatureChecker", "keyring_checkers"]

Find = Callable[[str], Awaitable[Sequence[StoredCredential]]]
"""Returns the stored credentials of a name, the newest first."""


class KeyringChecker:
    """What the checkers of stored credentials share.

    :param now: gives the wall-clock time in seconds since the epoch.
    :param find: where the credentials come from that a proof is checked by, if not from the keyring; only one that
        stands in the keyring admits anybody.
    """

    def __init__(self, keyring: ComponentKeyring, now: Callable[[], float], find: Find | None = None) -> None:
        self._keyring = keyring
        self._now = now
        self._find = find or keyring.find

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the :class:`~pkid.auth.proofs.Admission` that the proof is good for.

        Fails with ``UnauthorizedLogin`` for whatever is wrong with it.
        """
        return take(self._admit_or_refuse(credentials))

    async def check(self, credentials: Any) -> Admission:
        """Check a proof.

        :raises Refused: when it is not good.
        """
        raise NotImplementedError

    async def active(self, component: str) -> list[StoredCredential]:
        """Return the stored credentials by which a name may be proven now."""
        now = self._now()
        return [credential for credential in await self._find(component) if credential.is_active(now)]

    async def admit(self, credential: StoredCredential, evidence: bytes = b"") -> Admission:
        """Admit who proved a name by a credential, if that is in the keyring still.

        :raises Refused: ``proof-failed`` when it is not.
        """
        now = self._now()
        if credential not in await self._keyring.find(credential.component) or not credential.is_active(now):
            raise Refused(Reason.PROOF_FAILED)
        await self._keyring.note_use(credential.identifier, datetime.fromtimestamp(now, UTC))
        return Admission(credential.component, f"key:{credential.identifier}", evidence, credential.expires)

    async def _admit_or_refuse(self, credentials: Any) -> Admission:
        try:
            return await self.check(credentials)
        except (Refused, Malformed):
            raise UnauthorizedLogin from None


@implementer(ICredentialsChecker)
class SignatureChecker(KeyringChecker):
    """Checks signatures over the transcript."""

    credentialInterfaces = (ISignature,)

    async def check(self, credentials: ISignature) -> Admission:
        """Check a signature by each of the name's keys that goes with the chosen scheme."""
        transcript = credentials.transcript

        def is_good(credential: StoredCredential) -> None:
            if isinstance(credential.material, ScramVerifier | SharedSecret):
                raise Refused(Reason.PROOF_FAILED)
            verify(credential.material, transcript, credentials.signature)

        return await self.admit(_first_good(await self.active(transcript.component), is_good))


@implementer(ICredentialsChecker)
class ScramChecker(KeyringChecker):
    """Has the conversations by which passwords are proven; the name's newest one counts."""

    credentialInterfaces = (IScramExchange,)

    async def check(self, credentials: IScramExchange) -> Admission:
        """Have the conversation, if there is a verifier for the name."""
        transcript = credentials.transcript
        for credential in await self.active(transcript.component):
            if isinstance(credential.material, ScramVerifier):
                server = ScramServer(credential.material, transcript, offers_binding=credentials.binds)
                final = await credentials.converse(server.answer(credentials.first))
                return await self.admit(credential, server.finish(final))
        raise Refused(Reason.PROOF_FAILED)


@implementer(ICredentialsChecker)
class PlainChecker(KeyringChecker):
    """Checks the plain forms, for which what is stored says what the response must be."""

    credentialInterfaces = (IPlainResponse,)

    async def check(self, credentials: IPlainResponse) -> Admission:
        """Check a response by each of the name's credentials."""
        component, challenge, response = credentials.component, credentials.challenge, credentials.response

        def is_good(credential: StoredCredential) -> None:
            _check_is(any(scheme in PLAIN and scheme in credentials.accepted for scheme in credential.schemes))
            match credential.material:
                case SharedSecret(secret):
                    verify_digest(secret, challenge, response)
                case ScramVerifier():
                    raise Refused(Reason.PROOF_FAILED)
                case key:
                    verify_plain(key, challenge, component, response)

        return await self.admit(_first_good(await self.active(component), is_good))


def keyring_checkers(
    keyring: ComponentKeyring, now: Callable[[], float], find: Find | None = None
) -> list[SignatureChecker | ScramChecker | PlainChecker]:
    """Return a checker of each kind; parameters as for :class:`KeyringChecker`."""
    return [kind(keyring, now, find) for kind in (SignatureChecker, ScramChecker, PlainChecker)]


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
