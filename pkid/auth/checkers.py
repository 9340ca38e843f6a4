"""Checks a bearer token against the pre-shared keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pkid.auth.credentials import IBearerToken, Member
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.replay import UsedIdentifiers
from pkid.auth.roles import rights_of_user
from pkid.auth.tokens import Claims, Token, check_binding, check_claims, is_bound, read_token, verify
from pkid.errors import Refused

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
        self._strict = strict
        self._used = UsedIdentifiers()
        self._started_at = now()

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the :class:`Member` that the token admits.

        Fails with ``UnauthorizedLogin`` for whatever is wrong with the token, and with
        :class:`~pkid.errors.Unavailable` when the core is too busy to tell.
        """
        return Deferred.fromCoroutine(self._admit(credentials))

    async def _admit(self, credentials: IBearerToken) -> Member:
        try:
            token = read_token(credentials.token)
            psk, claims = await self._verify(token, credentials)
            self._check(claims, credentials)
            if not self._keyring.holds(psk):  # it may have ended while its signature was verified
                raise UnauthorizedLogin
            self._derivation.welcome(credentials.peer)
            return _admits(psk, claims)
        except Refused:
            # One answer for all: what was wrong with a token is nobody's business.
            raise UnauthorizedLogin from None

    async def _verify(self, token: Token, credentials: IBearerToken) -> tuple[PreSharedKey, Claims]:
        recalled = {psk: self._derivation.recall(psk, token.salt) for psk in self._candidates(token, credentials.psk)}
        for psk, known in sorted(recalled.items(), key=lambda item: item[1] is None):
            key = known or await self._derivation.derive(psk, token.salt, credentials.peer, suspect=credentials.suspect)
            try:
                claims = verify(token, key)
            except Refused:
                continue
            self._derivation.remember(psk, token.salt, key)
            return psk, claims
        raise UnauthorizedLogin

    def _candidates(self, token: Token, selected: str | None) -> Iterable[PreSharedKey]:
        """Return the key that the path selects and the token names, or the first few."""
        psks = self._keyring.current()
        names = {name for name in (token.key_id, selected) if name is not None}
        return [psk for psk in psks if {psk.name} == names] if names else psks[:_MOST_TRIED]

    def _check(self, claims: Claims, credentials: IBearerToken) -> None:
        now = self._now()
        check_claims(claims, now)
        if self._strict or is_bound(claims):
            identifier = check_binding(claims, credentials.binding, self._started_at, now)
            self._used.use(identifier, float(claims["exp"]), now)


def _admits(psk: PreSharedKey, claims: Claims) -> Member:
    """Give a component what its key's role may do, and a user (``email``) as much of it as its ``roles`` may.

    :raises UnauthorizedLogin: when a user has no roles.
    """
    rights, is_user = psk.terms.role.rights, "email" in claims
    if is_user:
        roles = claims.get("roles")
        if not isinstance(roles, str):
            raise UnauthorizedLogin
        rights &= rights_of_user(roles)
    return Member(psk.credential, rights, psk.terms.policy, is_user)
