"""The connecting side: mutual TLS with peers that have a certificate of the same core."""

from __future__ import annotations

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from pkid.agent.certificate import CertificateService
from pkid.agent.contexts import VerifyingClient
from pkid.answers import CoreError

__all__ = ["ClientEndpoint", "HTTPSPolicy", "NotReady", "connect"]


class NotReady(CoreError):
    """There is no certificate yet to connect with."""


@implementer(IStreamClientEndpoint)
class ClientEndpoint:
    """Connects to a host that must prove its name with a certificate from the core's CA, and shows our own.

    :param endpoint: leads there, without TLS; by default, to that host and port.
    """

    def __init__(
        self, service: CertificateService, host: str, port: int, endpoint: IStreamClientEndpoint | None = None
    ) -> None:
        self._service = service
        runtime = service.core.runtime
        self._endpoint = wrapClientTLS(_LiveClient(service, host), endpoint or runtime.reach(host, port), runtime.clock)

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect as soon as there is a certificate; fire with the factory's protocol.

        As always in Twisted, the handshake comes after that: when the host does not prove its name, the protocol's
        connection is lost with an :class:`~pkid.exchange.UntrustedServer`, before it gets or sends anything.
        """
        connecting: Deferred[IProtocol] = self._service.when_ready().addCallback(
            lambda _: self._endpoint.connect(protocolFactory)
        )
        return connecting


def connect(service: CertificateService, host: str, port: int, factory: IProtocolFactory) -> Deferred[IProtocol]:
    """Connect to a host with mutual TLS, as :class:`ClientEndpoint` does."""
    return ClientEndpoint(service, host, port).connect(factory)


@implementer(IPolicyForHTTPS)
class HTTPSPolicy:
    """Lets Twisted's ``Agent``, and so treq, do HTTPS with mutual TLS: ``Agent(reactor, HTTPSPolicy(service))``."""

    def __init__(self, service: CertificateService) -> None:
        self._service = service

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        """Return what makes connections to this host.

        :raises NotReady: when there is no certificate yet.
        """
        if self._service.credential is None:
            raise NotReady(f"there is no {self._service.name} yet; wait for when_ready()")
        return _LiveClient(self._service, hostname.decode("ascii"))


@implementer(IOpenSSLClientConnectionCreator)
class _LiveClient:
    """Makes connections with what the service has at that moment."""

    def __init__(self, service: CertificateService, host: str) -> None:
        self._service = service
        self._host = host

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Make a connection."""
        core = self._service.core
        assert core.known_authority is not None, "who has a certificate knows its CA"
        creator = VerifyingClient(self._host, core.known_authority, core.runtime.now(), self._service.credential)
        return creator.clientConnectionForTLS(tlsProtocol)
