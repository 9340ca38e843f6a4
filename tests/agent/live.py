"""Servers and clients in memory whose certificates come from a core in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import (
    IListeningPort,
    IOpenSSLClientConnectionCreator,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.agent import (
    CertificateService,
    ClientAuthentication,
    Credential,
    ServerEndpoint,
)
from pkid.agent.contexts import options
from pkid.testing import MemoryCore
from pkid.testing.wire import MemoryEndpoint
from tests.agent.case import AgentCase

__all__ = ["DAY", "YEAR", "LiveCase", "Talking", "talking"]

DAY = timedelta(days=1)
YEAR = timedelta(days=365)


@implementer(IListeningPort)
class Port:
    """A port that is open until it is not."""

    is_open = True

    def startListening(self) -> None:
        self.is_open = True

    def stopListening(self) -> Deferred[None]:
        self.is_open = False
        return succeed(None)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", 443)


@implementer(IStreamServerEndpoint)
class Listener:
    """Listens in memory."""

    def __init__(self) -> None:
        self.factory: Any = None
        self.port = Port()

    def listen(self, protocolFactory: Any) -> Deferred[Any]:
        self.factory = protocolFactory
        return succeed(self.port)


class Talking(Protocol):
    """Says who it thinks the other is, and remembers what it heard."""

    lost: Failure | None = None

    def connectionMade(self) -> None:
        self.heard = b""

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        assert self.transport is not None
        if data == b"who am I?":
            peer: Any = self.transport.getPeerCertificate()  # type: ignore[attr-defined]
            self.transport.write(b"nobody" if peer is None else peer.get_subject().CN.encode())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = reason


class LiveCase(AgentCase):
    def setUp(self) -> None:
        self.memory_core = MemoryCore(start=datetime.now(UTC))  # OpenSSL judges clients by the machine's clock
        self.clock = self.memory_core.clock
        self.listener = Listener()

    def listen(
        self, wanted: ClientAuthentication = ClientAuthentication.NONE, subject: str = "web.example"
    ) -> CertificateService:
        """Serve with a certificate service, which gets its certificate if it can."""
        service = self.memory_core.certificate_service(subject)
        self.port: Any = self.successResultOf(
            ServerEndpoint(service, self.listener, wanted).listen(Factory.forProtocol(Talking))
        )
        self.addCleanup(self.port.stopListening)
        self.clock.advance(0)
        return service

    def wire(self, host: str = "", port: int = 0) -> MemoryEndpoint:
        return MemoryEndpoint(self.listener.factory, self.clock, lambda: self.listener.port.is_open)

    def dial(self, tls: IOpenSSLClientConnectionCreator) -> Talking:
        """Connect, ask who we are, and return what came of it."""
        talking: Talking = self.successResultOf(
            wrapClientTLS(tls, self.wire(), self.clock).connect(Factory.forProtocol(Talking))
        )  # type: ignore[assignment]
        assert talking.transport is not None
        talking.transport.write(b"who am I?")
        self.clock.advance(0)
        return talking

    def shown(self, tls: IOpenSSLClientConnectionCreator | None = None) -> x509.Certificate:
        """Return the server's certificate, as a client sees it that verifies nothing."""
        peer: Any = self.dial(tls or options(None)).transport.getPeerCertificate()  # type: ignore[union-attr]
        certificate: x509.Certificate = peer.to_cryptography()
        return certificate

    def component(self, subject: str = "client.example") -> CertificateService:
        """Return the running service of another component, which has its certificate."""
        service = self.memory_core.certificate_service(subject)
        service.startService()
        self.addCleanup(lambda: service.stopService())
        self.clock.advance(0)
        return service

    def credential(self, service: CertificateService) -> Credential:
        assert service.credential is not None
        return service.credential


def talking() -> Any:
    """Return a factory."""
    return Factory.forProtocol(Talking)
