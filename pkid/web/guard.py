"""The guard of the HTTPS door: finds the credential in a request and asks the portal."""

from __future__ import annotations

from typing import Any

from twisted.cred.portal import Portal
from twisted.web.server import Request

from pkid.auth.credentials import BearerToken, IMember
from pkid.auth.tokens import Binding, body_digest
from pkid.web.incoming import bearer_token, body, peer

__all__ = ["Guard"]


class Guard:
    """Lets callers in who have a bearer token.

    :param portal: admits a :class:`~pkid.auth.credentials.BearerToken` as an :class:`~pkid.auth.credentials.IMember`.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    async def admit(self, request: Request) -> IMember:
        """Return who the caller is.

        :raises UnauthorizedLogin: when there is no credential, or it is not accepted.
        :raises Unavailable: when the core is too busy to tell.
        """
        credentials = BearerToken(bearer_token(request), _binding(request), peer(request))
        avatar: Any = await self._portal.login(credentials, None, IMember)
        member: IMember = avatar[1]
        return member


def _binding(request: Request) -> Binding:
    return Binding(
        method=request.method.decode("ascii", "replace"),
        path=request.uri.decode("ascii", "replace"),
        digest=body_digest(body(request)),
    )
