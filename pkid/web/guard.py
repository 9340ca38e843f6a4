"""The guard of the HTTPS door: finds the credential in a request and asks the portal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.cred.credentials import ICredentials
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.audit import Strangers
from pkid.auth.credentials import ClientCertificate, IBearerToken, IMember
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import Binding, body_digest
from pkid.errors import Reason, Refused
from pkid.web.incoming import bearer_token, client_certificate, selected_key
from pkid.web.request import BoundedRequest

if TYPE_CHECKING:
    from pkid.web.channel import Channel

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

    def admit(self, request: BoundedRequest) -> Deferred[IMember]:
        """Fire with who the caller is.

        Fails with ``UnauthorizedLogin`` when there is no credential or it is not accepted, and with
        :class:`~pkid.errors.Unavailable` when the core is too busy to tell.
        """
        if self._nobody is not None:
            return succeed(self._nobody)
        selected, _ = selected_key(request.path, self._keyring)
        return self._login(request, lambda: _RequestToken(request, selected))

    def admit_certificate(self, request: BoundedRequest) -> Deferred[IMember]:
        """Fire with who the caller is, by the certificate of its TLS connection alone.

        Fails with ``UnauthorizedLogin`` when it has none or it is not accepted, with
        :class:`~pkid.errors.Refused` when the credential that it was obtained by is not in service any more, and with
        :class:`~pkid.errors.Unavailable` when the core cannot tell now.
        """
        return self._login(request, lambda: ClientCertificate(client_certificate(request)))

    def _login(self, request: BoundedRequest, find: Callable[[], ICredentials]) -> Deferred[IMember]:
        try:
            login: Deferred[Any] = self._portal.login(find(), None, IMember)
        except UnauthorizedLogin:
            login = fail()
        connection = request.channel  # which the request forgets when the caller leaves
        return login.addCallbacks(
            _let_in, self._turn_away, callbackArgs=(connection,), errbackArgs=(connection, request)
        )

    def _turn_away(self, failure: Failure, connection: Channel, request: BoundedRequest) -> Failure:
        error = failure.value
        if isinstance(error, UnauthorizedLogin | Refused):
            connection.suspect = True
            reason = error.reason.code if isinstance(error, Refused) else Reason.UNAUTHORIZED.code
            self._strangers.denied(request.peer, reason, path=request.path.decode("ascii", "replace"))
        return failure


def _let_in(avatar: tuple[object, IMember, object], connection: Channel) -> IMember:
    connection.suspect = False
    return avatar[1]


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
        self._request = request

    @property
    def binding(self) -> Binding:
        """The request that it came with."""
        method, target = self._request.method.decode("ascii", "replace"), self._request.uri.decode("ascii", "replace")
        return Binding(method, target, body_digest(self._request.body))
