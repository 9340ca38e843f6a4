"""Checks a bearer token against the pre-shared keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pkid.auth.credentials import IBearerToken, Member, Right
from pkid.auth.derivation import KeyDerivation
from pkid.auth.psk import PreSharedKey
from pkid.auth.replay import UsedIdentifiers
from pkid.auth.tokens import Claims, Token, check_binding, check_claims, is_bound, read_token, verify
from pkid.errors import Refused

__all__ = ["BearerTokenChecker"]

_MOST_TRIED = 3
"""Keys that are tried for a token that names none."""

_ALL_RIGHTS = frozenset({Right.READ, Right.WRITE, Right.ADMIN})
_RIGHTS_OF_ROLE = {
    "admin": _ALL_RIGHTS,
    "service": _ALL_RIGHTS,
    "readwrite": frozenset({Right.READ, Right.WRITE}),
    "readonly": frozenset({Right.READ}),
}


@implementer(ICredentialsChecker)
class BearerTokenChecker:
    """Accepts a token that one of the pre-shared keys signed, for this request, now.

    :param psks: the keys, the first ones being tried first.
    :param derivation: derives the signing keys.
    :param now: gives the wall-clock time in seconds since the epoch.
    :param strict: accept bound tokens only.
    """

    credentialInterfaces = (IBearerToken,)

    def __init__(
        self, psks: Sequence[PreSharedKey], derivation: KeyDerivation, now: Callable[[], float], *, strict: bool = False
    ) -> None:
        self._psks = psks
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
            psk, claims = await self._verify(token, credentials.peer)
            self._check(claims, credentials)
            self._derivation.welcome(credentials.peer)
            return Member(f"psk:{psk.name}", _rights(claims))
        except Refused:
            # One answer for all: what was wrong with a token is nobody's business.
            raise UnauthorizedLogin from None

    async def _verify(self, token: Token, peer: str) -> tuple[PreSharedKey, Claims]:
        for psk in self._candidates(token):
            known = self._derivation.recall(psk, token.salt)
            key = known or await self._derivation.derive(psk, token.salt, peer)
            try:
                claims = verify(token, key)
            except Refused:
                continue
            self._derivation.remember(psk, token.salt, key)
            return psk, claims
        raise UnauthorizedLogin

    def _candidates(self, token: Token) -> Iterable[PreSharedKey]:
        if token.key_id is None:
            return self._psks[:_MOST_TRIED]
        return [psk for psk in self._psks if psk.name == token.key_id]

    def _check(self, claims: Claims, credentials: IBearerToken) -> None:
        now = self._now()
        check_claims(claims, now)
        if self._strict or is_bound(claims):
            identifier = check_binding(claims, credentials.binding, self._started_at, now)
            self._used.use(identifier, float(claims["exp"]), now)


def _rights(claims: Claims) -> frozenset[Right]:
    """Give a component all rights, and a user (``email``) those of its ``roles``, joined by commas.

    :raises UnauthorizedLogin: when a user has no roles.
    """
    if "email" not in claims:
        return _ALL_RIGHTS
    roles = claims.get("roles")
    if not isinstance(roles, str):
        raise UnauthorizedLogin
    return frozenset().union(*(_RIGHTS_OF_ROLE.get(role.strip(), frozenset()) for role in roles.split(",")))
