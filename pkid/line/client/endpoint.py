"""Ways to the line door: over TLS, to the host whose certificate comes from the one CA that is trusted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cryptography import x509
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from zope.interface import implementer

from pkid.agent.contexts import VerifyingClient
from pkid.agent.core import Core
from pkid.agent.credential import Credential
from pkid.agent.runtime import Runtime

__all__ = ["DEFAULT_PORT", "TrustingEndpoint"]

DEFAULT_PORT = 8910


@implementer(IStreamClientEndpoint)
class TrustingEndpoint:
    """Connects to a host that must prove its name with a certificate from one CA.

    :param authority: gives the CA certificate, anew for each connection.
    :param shown: gives the certificate that is shown to the host, if there is one.
    """

    def __init__(
        self,
        runtime: Runtime,
        host: str,
        port: int,
        authority: Callable[[], Awaitable[x509.Certificate]],
        shown: Callable[[], Credential | None] = lambda: None,
    ) -> None:
        self._runtime = runtime
        self._host = host
        self._port = port
        self._endpoint = runtime.reach(host, port)
        self._authority = authority
        self._shown = shown

    def __repr__(self) -> str:
        return f"<TrustingEndpoint {self._host}:{self._port}>"

    @classmethod
    def of(cls, core: Core, port: int = DEFAULT_PORT) -> TrustingEndpoint:
        """Return the way to a core's line door; whom to trust, its pre-shared key says."""
        return cls(core.runtime, core.origin.host, port, core.authority)

    @classmethod
    def pinned(cls, runtime: Runtime, host: str, port: int, authority: x509.Certificate) -> TrustingEndpoint:
        """Return the way to a core whose CA certificate is known."""

        async def known() -> x509.Certificate:
            return authority

        return cls(runtime, host, port, known)

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect; fire with the factory's protocol, whose connection is lost when the host is not to be trusted."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        authority = await self._authority()
        creator = VerifyingClient(self._host, authority, self._runtime.now(), self._shown())
        connected: IProtocol = await wrapClientTLS(creator, self._endpoint, self._runtime.clock).connect(factory)
        return connected
