"""Checks a bearer token against the pre-shared keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from pkid.auth.credentials import IBearerToken, Member
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.replay import UsedIdentifiers
from pkid.auth.roles import rights_of_user
from pkid.auth.tokens import Claims, Token, check_binding, check_claims, is_bound, read_token, verify
from pkid.errors import PkidError, Refused

__all__ = ["BearerTokenChecker"]

_MOST_TRIED = 3
"""Keys that are tried for a token that names none."""


@implementer(ICredentialsChecker)
class BearerTokenChecker:
    """Accepts a token that one of the current pre-shared keys signed, for this request, now.

    :param derivation: derives the signing keys.
    :param now: gives the wall-clock time in seconds since the epoch.
    :param strict: accept bound tokens only.
    """

    credentialInterfaces = (IBearerToken,)

    def __init__(
        self, keyring: Keyring, derivation: KeyDerivation, now: Callable[[], float], *, strict: bool = False
    ) -> None:
        self._keyring = keyring
        self._derivation = derivation
        self._now = now
        self.strict = strict
        self._used = UsedIdentifiers(now())

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the :class:`Member` that the token admits.

        Fails with ``UnauthorizedLogin`` for whatever is wrong with the token, and with
        :class:`~pkid.errors.Unavailable` when the core is too busy to tell.
        """
        try:
            token = read_token(credentials.token)
            psks = self._candidates(token, credentials.psk)
            member = self._recognise(token, psks, credentials)
        except Refused:
            return fail(UnauthorizedLogin())  # one answer for all, as below
        except (UnauthorizedLogin, PkidError) as error:
            return fail(error)
        return succeed(member) if member is not None else Deferred.fromCoroutine(self._admit(token, psks, credentials))

    def _recognise(self, token: Token, psks: Iterable[PreSharedKey], credentials: IBearerToken) -> Member | None:
        """Admit at once whose key proved right before; ``None`` when no such key signed the token."""
        for psk in psks:
            key = self._derivation.recall(psk, token.salt)
            claims = None if key is None else _claims(token, key)
            if claims is not None:
                return self._welcome(psk, claims, credentials)
        return None

    async def _admit(self, token: Token, psks: Iterable[PreSharedKey], credentials: IBearerToken) -> Member:
        try:
            psk, claims = await self._derive(token, psks, credentials)
            if not self._keyring.holds(psk):  # it may have ended while its signature was verified
                raise UnauthorizedLogin
            return self._welcome(psk, claims, credentials)
        except Refused:
            # One answer for all: what was wrong with a token is nobody's business.
            raise UnauthorizedLogin from None

    async def _derive(
        self, token: Token, psks: Iterable[PreSharedKey], credentials: IBearerToken
    ) -> tuple[PreSharedKey, Claims]:
        """Find the key that signed a token, among those that were not derived with this salt before."""
        for psk in [psk for psk in psks if self._derivation.recall(psk, token.salt) is None]:
            key = await self._derivation.derive(psk, token.salt, credentials.peer, suspect=credentials.suspect)
            claims = _claims(token, key)
            if claims is not None:
                self._derivation.remember(psk, token.salt, key)
                return psk, claims
        raise UnauthorizedLogin

    def _welcome(self, psk: PreSharedKey, claims: Claims, credentials: IBearerToken) -> Member:
        """Return whom a token admits that this key signed, if its claims are good."""
        self._check(claims, credentials)
        self._derivation.welcome(credentials.peer)
        return _admits(psk, claims)

    def _candidates(self, token: Token, selected: str | None) -> Sequence[PreSharedKey]:
        """Return the key that the path selects and the token names, or the first few."""
        psks = self._keyring.current()
        name = selected if token.key_id is None else token.key_id
        if name is None:
            return psks[:_MOST_TRIED]
        return [psk for psk in psks if psk.name == name and selected in (None, name)]

    def _check(self, claims: Claims, credentials: IBearerToken) -> None:
        now = self._now()
        check_claims(claims, now)
        if self.strict or is_bound(claims):
            self._used.look_at_clock(now)
            identifier = check_binding(claims, credentials.binding, self._used.since, now)
            self._used.use(identifier, float(claims["exp"]), now)


def _claims(token: Token, key: bytes) -> Claims | None:
    """Return what a token claims, if this key signed it."""
    try:
        return verify(token, key)
    except Refused:
        return None


def _admits(psk: PreSharedKey, claims: Claims) -> Member:
    """Give a component what its key's role may do, and a user (``email``) as much of it as its ``roles`` may.

    :raises UnauthorizedLogin: when a user has no roles.
    """
    if "email" not in claims:
        return _member(psk)
    roles = claims.get("roles")
    if not isinstance(roles, str):
        raise UnauthorizedLogin
    return Member(psk.credential, psk.terms.role.rights & rights_of_user(roles), psk.terms.policy, is_user=True)


@lru_cache(256)
def _member(psk: PreSharedKey) -> Member:
    """Return what a component may do by a key; there are few keys, and many components with each."""
    return Member(psk.credential, psk.terms.role.rights, psk.terms.policy)
