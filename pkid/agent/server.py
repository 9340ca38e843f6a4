"""The serving side: a port whose certificate is the one that the service has, at each handshake."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import wrapServerTLS
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IOpenSSLServerConnectionCreator,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from pkid.agent.certificate import CertificateService
from pkid.agent.contexts import options, trust
from pkid.agent.credential import Credential
from pkid.ca.keys import KeyType

__all__ = ["ClientAuthentication", "LiveServer", "ServerEndpoint", "make_stand_in"]


class ClientAuthentication(Enum):
    """Whether a server wants to see certificates of its clients; only those of the core's CA are taken."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@implementer(IStreamServerEndpoint)
class ServerEndpoint:
    """Listens at another endpoint, with the TLS of a certificate service.

    It listens at once. Before there is a certificate, a stand-in is shown, which nobody trusts who verifies; no client
    is trusted then. The service is started and stopped with the port, unless it runs already.

    :param endpoint: where to listen, without TLS.
    """

    def __init__(
        self,
        service: CertificateService,
        endpoint: IStreamServerEndpoint,
        client_authentication: ClientAuthentication = ClientAuthentication.NONE,
    ) -> None:
        self.service = service
        self.endpoint = endpoint
        self.client_authentication = client_authentication

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen; fire with a port that stops the service when it stops."""
        tls = LiveServer(self.service, self.client_authentication)
        listener = wrapServerTLS(tls, self.endpoint, self.service.core.runtime.clock)
        listening: Deferred[IListeningPort] = listener.listen(protocolFactory)
        return listening.addCallback(self._begin)

    def _begin(self, port: IListeningPort) -> IListeningPort:
        if self.service.running:
            return port
        self.service.startService()
        return _Port(port, self.service)


@implementer(IListeningPort)
class _Port:
    """A port that ends together with its certificate service."""

    def __init__(self, port: IListeningPort, service: CertificateService) -> None:
        self._port = port
        self._service = service

    def startListening(self) -> None:
        self._port.startListening()
        if not self._service.running:
            self._service.startService()

    def stopListening(self) -> Deferred[None]:
        if self._service.running:
            self._service.stopService()
        stopped: Deferred[None] = maybeDeferred(self._port.stopListening)  # type: ignore[call-overload]
        return stopped

    def getHost(self) -> IAddress:
        return self._port.getHost()


@implementer(IOpenSSLServerConnectionCreator)
class LiveServer:
    """Makes connections that show what the service has at that moment."""

    def __init__(self, service: CertificateService, client_authentication: ClientAuthentication) -> None:
        self._service = service
        self._client_authentication = client_authentication
        self._stand_in: Credential | None = None
        self._made_for: tuple[Credential, x509.Certificate | None] | None = None
        self._options = options(None)

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Make a connection."""
        credential, authority = self._credential(), self._service.core.known_authority
        if self._made_for is None or self._made_for[0] is not credential or self._made_for[1] is not authority:
            self._options = self._make_options(credential, authority)
            self._made_for = credential, authority
        return self._options.serverConnectionForTLS(tlsProtocol)

    def _credential(self) -> Credential:
        if self._service.credential is not None:
            return self._service.credential
        if self._stand_in is None:
            self._stand_in = make_stand_in(self._service.core.runtime.now())
        return self._stand_in

    def _make_options(self, credential: Credential, authority: x509.Certificate | None) -> CertificateOptions:
        wanted = self._client_authentication
        # A resumed session would carry a client's certificate past its end.
        made = options(credential, enableSessionTickets=wanted is ClientAuthentication.NONE)
        if wanted is not ClientAuthentication.NONE:
            context = made.getContext()
            mode = SSL.VERIFY_PEER
            if wanted is ClientAuthentication.REQUIRED:
                mode |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
            context.set_verify(mode)
            if authority is not None:
                trust(context, [authority])
                context.add_client_ca(crypto.X509.from_cryptography(authority))
        return made


def make_stand_in(now: datetime) -> Credential:
    """Make a certificate that is good for nothing but the handshake: signed by itself, for no name, for an hour."""
    key = KeyType.P256.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in until the core can be reached")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(hours=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return Credential(key, builder.sign(key, hashes.SHA256()))
