"""The guard of the HTTPS door: finds the credential in a request and asks the portal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from twisted.cred.credentials import ICredentials
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.web.server import Request

from pkid.audit import Strangers
from pkid.auth.credentials import BearerToken, ClientCertificate, IMember
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import Binding, body_digest
from pkid.errors import Reason, Refused
from pkid.web.incoming import bearer_token, body, client_certificate, peer, selected_key

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
        self._suspects: WeakSet[object] = WeakSet()  # connections whose last credential was refused

    async def admit(self, request: Request) -> IMember:
        """Return who the caller is.

        :raises UnauthorizedLogin: when there is no credential, or it is not accepted.
        :raises Unavailable: when the core is too busy to tell.
        """
        if self._nobody is not None:
            return self._nobody
        suspect = request.channel in self._suspects
        selected, _ = selected_key(request.path, self._keyring)
        return await self._login(request, lambda: _token(request, selected, suspect))

    async def admit_certificate(self, request: Request) -> IMember:
        """Return who the caller is, by the certificate of its TLS connection alone.

        :raises UnauthorizedLogin: when it has none, or it is not accepted.
        :raises Refused: when the credential that it was obtained by is not in service any more.
        :raises Unavailable: when the core cannot tell now.
        """
        return await self._login(request, lambda: ClientCertificate(client_certificate(request)))

    async def _login(self, request: Request, find: Callable[[], ICredentials]) -> IMember:
        connection = request.channel  # which the request forgets when the caller leaves
        try:
            avatar: Any = await self._portal.login(find(), None, IMember)
        except (UnauthorizedLogin, Refused) as error:
            self._suspects.add(connection)
            reason = error.reason.code if isinstance(error, Refused) else Reason.UNAUTHORIZED.code
            self._strangers.denied(peer(request), reason, path=request.path.decode("ascii", "replace"))
            raise
        self._suspects.discard(connection)
        member: IMember = avatar[1]
        return member


def _token(request: Request, selected: PreSharedKey | None, suspect: bool) -> BearerToken:
    name = None if selected is None else selected.name
    return BearerToken(bearer_token(request), _binding(request), peer(request), name, suspect)


def _binding(request: Request) -> Binding:
    return Binding(
        method=request.method.decode("ascii", "replace"),
        path=request.uri.decode("ascii", "replace"),
        digest=body_digest(body(request)),
    )
