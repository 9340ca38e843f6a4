"""The guard of the HTTPS door: finds the credential in a request and asks the portal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.cred.credentials import ICredentials
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from zope.interface import implementer

from pkid.audit import Strangers
from pkid.auth.credentials import ClientCertificate, IBearerToken, IMember
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import Binding, body_digest
from pkid.errors import Reason, Refused
from pkid.web.incoming import bearer_token, client_certificate, selected_key
from pkid.web.request import BoundedRequest

__all__ = ["Guard"]


class Guard:
    """Lets callers in who have a bearer token or a certificate.

    :param portal: admits the credentials of `pkid.auth` as :class:`~pkid.auth.credentials.IMember`.
    :param strangers: takes note of everybody else.
    :param keyring: has the keys that a path may select.
    :param nobody: who everybody is without any token, if that is so.
    """

    def __init__(self, portal: Portal, strangers: Strangers, keyring: Keyring, nobody: IMember | None = None) -> None:
        self._portal = portal
        self._strangers = strangers
        self._keyring = keyring
        self._nobody = nobody

    async def admit(self, request: BoundedRequest) -> IMember:
        """Return who the caller is.

        :raises UnauthorizedLogin: when there is no credential, or it is not accepted.
        :raises Unavailable: when the core is too busy to tell.
        """
        if self._nobody is not None:
            return self._nobody
        selected, _ = selected_key(request.path, self._keyring)
        return await self._login(request, lambda: _RequestToken(request, selected))

    async def admit_certificate(self, request: BoundedRequest) -> IMember:
        """Return who the caller is, by the certificate of its TLS connection alone.

        :raises UnauthorizedLogin: when it has none, or it is not accepted.
        :raises Refused: when the credential that it was obtained by is not in service any more.
        :raises Unavailable: when the core cannot tell now.
        """
        return await self._login(request, lambda: ClientCertificate(client_certificate(request)))

    async def _login(self, request: BoundedRequest, find: Callable[[], ICredentials]) -> IMember:
        connection = request.channel  # which the request forgets when the caller leaves
        try:
            avatar: Any = await self._portal.login(find(), None, IMember)
        except (UnauthorizedLogin, Refused) as error:
            connection.suspect = True
            reason = error.reason.code if isinstance(error, Refused) else Reason.UNAUTHORIZED.code
            self._strangers.denied(request.peer, reason, path=request.path.decode("ascii", "replace"))
            raise
        connection.suspect = False
        member: IMember = avatar[1]
        return member


@implementer(IBearerToken)
class _RequestToken:
    """The token of a request; what binds one to the request is worked out only for a token that is bound.

    :param psk: the key that the path selects, if it selects one.
    :raises UnauthorizedLogin: when there is no token.
    """

    def __init__(self, request: BoundedRequest, psk: PreSharedKey | None) -> None:
        self.token = bearer_token(request)
        self.peer = request.peer
        self.psk = None if psk is None else psk.name
        self.suspect = request.channel.suspect
        self._request = request.method, request.uri, request.body

    @property
    def binding(self) -> Binding:
        """The request that it came with."""
        method, target, body = self._request
        return Binding(method.decode("ascii", "replace"), target.decode("ascii", "replace"), body_digest(body))
