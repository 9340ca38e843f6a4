"""Servers and clients whose certificate is, at each handshake, the one that the service has then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IOpenSSLClientConnectionCreator,
    IProtocolNegotiationFactory,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.python.failure import Failure
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pkid.agent import (
    CertificateService,
    ClientAuthentication,
    ClientEndpoint,
    Credential,
    HTTPSPolicy,
    NotReady,
    ServerEndpoint,
    connect,
)
from pkid.agent.contexts import options
from pkid.ca.issuer import make_root
from pkid.exchange import UntrustedServer
from pkid.testing import MemoryCore
from pkid.testing.wire import MemoryEndpoint
from tests.agent.case import AgentCase
from tests.certificates import SERIAL, private_key

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


class ServerTests(LiveCase):
    def test_the_certificate_of_the_service_is_shown(self) -> None:
        service = self.listen()
        self.assertEqual(self.shown(), self.credential(service).certificate)

    def test_a_renewed_one_is_shown_at_the_next_handshake_and_old_connections_live_on(self) -> None:
        service = self.listen()
        first = self.credential(service)
        old = self.dial(options(None))
        self.clock.advance((YEAR - DAY).total_seconds())
        self.assertNotEqual(self.credential(service), first)
        self.assertEqual(self.shown(), self.credential(service).certificate)
        assert old.transport is not None
        old.transport.write(b"who am I?")
        self.clock.advance(0)
        self.assertEqual((old.heard, old.lost), (b"nobody" * 2, None))

    def test_before_there_is_one_a_stand_in_is_shown_that_nobody_trusts(self) -> None:
        self.memory_core.reachable = False
        service = self.listen()
        stand_in = self.shown()
        self.assertEqual(stand_in.issuer, stand_in.subject)
        self.assertEqual([extension.oid._name for extension in stand_in.extensions], ["basicConstraints"])
        self.assertLessEqual(stand_in.not_valid_after_utc - self.memory_core.now(), timedelta(hours=1))
        self.memory_core.reachable = True
        client = self.component()
        refused: Any = self.successResultOf(ClientEndpoint(client, "web.example", 443, self.wire()).connect(talking()))
        self.clock.advance(0)
        self.assertIsInstance(refused.lost.value, UntrustedServer)
        self.clock.advance(5)
        self.assertEqual(self.shown(), self.credential(service).certificate)

    def test_intermediates_are_sent_too(self) -> None:
        service = self.listen()
        other = make_root(private_key(owner="other"), self.memory_core.now(), SERIAL).certificate
        service._held = replace(self.credential(service), intermediates=(other,))
        dialed = self.dial(options(None))
        chain = dialed.transport.getHandle().get_peer_cert_chain()  # type: ignore[union-attr]
        self.assertEqual([each.to_cryptography() for each in chain], [self.credential(service).certificate, other])

    def test_the_service_starts_and_stops_with_the_port(self) -> None:
        service = self.listen()
        verifyObject(IListeningPort, self.port)
        self.assertEqual(self.port.getHost().port, 443)
        self.assertTrue(service.running)
        self.successResultOf(self.port.stopListening())
        self.assertFalse(service.running)
        self.assertFalse(self.listener.port.is_open)
        self.port.startListening()
        self.assertTrue(service.running and self.listener.port.is_open)

    def test_a_service_that_runs_already_is_left_running(self) -> None:
        service = self.component("web.example")
        endpoint = ServerEndpoint(service, self.listener)
        port = self.successResultOf(endpoint.listen(talking()))
        port.stopListening()
        self.assertTrue(service.running)

    def test_a_port_that_cannot_be_bound_is_told_and_nothing_is_started(self) -> None:
        error = CannotListenError("", 443, OSError(98, "Address already in use"))
        self.listener.listen = lambda protocolFactory: fail(error)  # type: ignore[method-assign]
        service = self.memory_core.certificate_service("web.example")
        self.failureResultOf(ServerEndpoint(service, self.listener).listen(talking()), CannotListenError)
        self.assertFalse(service.running)

    def test_protocols_are_negotiated_as_the_factory_says(self) -> None:
        self.listen()
        self.listener.factory.wrappedFactory = Negotiating()
        dialed = self.dial(CertificateOptions(acceptableProtocols=[b"b", b"a"]))
        self.assertEqual(dialed.transport.negotiatedProtocol, b"a")  # type: ignore[union-attr]


class ClientAuthenticationTests(LiveCase):
    def known(self, credential: Credential | None) -> bytes | None:
        """Return as whom a client is known to the server; ``None`` when it is refused."""
        dialed = self.dial(options(credential))
        return None if dialed.lost is not None else dialed.heard

    def stranger(self) -> Credential:
        """Return a credential of another CA that has the same name."""
        other = MemoryCore(start=self.memory_core.now())
        service = other.certificate_service("client.example")
        service.startService()
        other.clock.advance(0)
        service.stopService()
        return self.credential(service)

    def test_who_is_wanted_is_let_in(self) -> None:
        ours = self.credential(self.component())
        for wanted, expected in (
            (ClientAuthentication.NONE, (b"nobody", b"nobody", b"nobody")),
            (ClientAuthentication.OPTIONAL, (b"nobody", b"client.example", None)),
            (ClientAuthentication.REQUIRED, (None, b"client.example", None)),
        ):
            self.listen(wanted)
            self.assertEqual(tuple(map(self.known, (None, ours, self.stranger()))), expected, wanted)

    def test_before_there_is_a_certificate_nobody_is(self) -> None:
        ours = self.credential(self.component())
        self.memory_core.reachable = False
        self.listen(ClientAuthentication.REQUIRED)
        self.assertIsNone(self.known(ours))

    def test_an_expired_one_is_not_let_in(self) -> None:
        self.memory_core = MemoryCore(start=datetime.now(UTC) - 2 * YEAR)
        self.clock = self.memory_core.clock
        old = self.component("old.example")
        expired = self.credential(old)
        old.stopService()
        self.clock.advance((2 * YEAR).total_seconds())
        self.listen(ClientAuthentication.REQUIRED)
        self.assertIsNone(self.known(expired))
        self.assertEqual(self.known(self.credential(self.component())), b"client.example")

    def test_sessions_are_not_resumed_where_clients_are_known(self) -> None:
        ours = self.credential(self.component())
        for wanted in ClientAuthentication:
            self.listen(wanted)
            self.assertEqual(self.resumes(ours), wanted is ClientAuthentication.NONE, wanted)

    def resumes(self, credential: Credential) -> bool:
        """Tell whether the server takes up a session where it ended, in TLS 1.2, where that shows in its key."""
        plain = options(credential, enableSessionTickets=True, lowerMaximumSecurityTo=TLSVersion.TLSv1_2)
        first: SSL.Connection = self.dial(plain).transport.getHandle()  # type: ignore[union-attr]
        session: Any = first.get_session()

        @implementer(IOpenSSLClientConnectionCreator)
        class Resuming:
            def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
                connection = plain.clientConnectionForTLS(tlsProtocol)
                connection.set_session(session)
                return connection

        again: SSL.Connection = self.dial(Resuming()).transport.getHandle()  # type: ignore[union-attr]
        return first.master_key() == again.master_key()


class ClientTests(LiveCase):
    def test_two_components_know_each_other(self) -> None:
        self.listen(ClientAuthentication.REQUIRED)
        client = self.component()
        client._runtime = client.core.runtime = replace(client.core.runtime, reach=self.wire)
        talker: Any = self.successResultOf(connect(client, "web.example", 443, talking()))
        talker.transport.write(b"who am I?")
        self.clock.advance(0)
        self.assertEqual(talker.heard, b"client.example")

    def test_a_peer_with_another_name_hears_nothing(self) -> None:
        self.listen(subject="db.example")
        client = self.component()
        talker: Any = self.successResultOf(ClientEndpoint(client, "web.example", 443, self.wire()).connect(talking()))
        talker.transport.write(b"who am I?")
        self.clock.advance(0)
        self.assertIsInstance(talker.lost.value, UntrustedServer)
        self.assertEqual(talker.heard, b"")

    def test_it_waits_until_there_is_a_certificate(self) -> None:
        self.listen(ClientAuthentication.REQUIRED)
        self.memory_core.reachable = False
        client = self.component()
        connecting = ClientEndpoint(client, "web.example", 443, self.wire()).connect(talking())
        self.assertNoResult(connecting)
        self.memory_core.reachable = True
        self.clock.advance(5)
        talker: Any = self.successResultOf(connecting)
        self.assertIsNone(talker.lost)

    def test_who_waits_may_give_up(self) -> None:
        self.listen()
        client = self.memory_core.certificate_service("client.example")
        connecting = ClientEndpoint(client, "web.example", 443, self.wire()).connect(talking())
        connecting.cancel()
        self.failureResultOf(connecting, CancelledError)

    def test_the_policy_makes_such_connections_for_twisteds_agent(self) -> None:
        self.listen(ClientAuthentication.REQUIRED)
        client = self.component()
        policy = HTTPSPolicy(client)
        verifyObject(IPolicyForHTTPS, policy)
        self.assertEqual(self.dial(policy.creatorForNetloc(b"web.example", 443)).heard, b"client.example")
        refused: Any = self.dial(policy.creatorForNetloc(b"db.example", 443))
        self.assertIsInstance(refused.lost.value, UntrustedServer)
        unready = HTTPSPolicy(self.memory_core.certificate_service("client.example"))
        self.assertRaises(NotReady, unready.creatorForNetloc, b"web.example", 443)


@implementer(IProtocolNegotiationFactory)
class Negotiating(Factory[Talking]):
    """Speaks the protocol ``a``."""

    protocol = Talking

    def acceptableProtocols(self) -> list[bytes]:
        return [b"a"]


def talking() -> Any:
    """Return a factory."""
    return Factory.forProtocol(Talking)
