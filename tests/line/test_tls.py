"""The line door behind TLS, by handshakes over loopback: what proofs are bound to, and who may give which."""

from __future__ import annotations

from typing import Any

from OpenSSL import crypto
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol, wrapServerTLS
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.internet.task import deferLater
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from pkid.auth.transcript import Channel
from pkid.ca.keys import KeyType
from pkid.ca.names import Names
from pkid.ca.request import read_request
from pkid.line import events
from pkid.line.codec import EventReader
from pkid.line.factory import LineFactory
from pkid.state import KeyPair
from pkid.tls import LiveContext, server_context
from tests.certificates import NOON, csr_pem, private_key, profile, root
from tests.line.service import MemoryMessaging


class Listener(Protocol):
    """A client that listens until the core takes leave."""

    def __init__(self) -> None:
        self.greeted: Deferred[events.Greeted] = Deferred()
        self.gone: Deferred[None] = Deferred()
        self._reader = EventReader()

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)
        for event in iter(self._reader.read, None):
            if isinstance(event, events.Greeted):
                self.greeted.callback(event)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)


class ChannelTests(TestCase):
    """What the broker learns of a TLS connection."""

    timeout = 30

    async def setUp(self) -> None:  # type: ignore[override]
        live = LiveContext()
        key = private_key(KeyType.P256)
        approved = profile().approve_core(key.public_key(), Names(dns=("localhost",)))
        live.swap(server_context(KeyPair(key, root().sign(approved, NOON, 2**130)), [root().chain]))
        self.messaging = MemoryMessaging(reactor)
        self.factory = LineFactory(self.messaging, reactor)
        endpoint = wrapServerTLS(live, TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
        self.port: Any = await endpoint.listen(self.factory)
        self.addCleanup(self.port.stopListening)

    async def greet(self, options: CertificateOptions) -> tuple[events.Greeted, Channel, bytes | None, bytes]:
        """Connect; return the greeting, what the core knows of the connection, and what the client would bind to."""
        listener = Listener()
        plain = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        wrapped = TLSMemoryBIOFactory(options, True, Factory.forProtocol(lambda: listener))
        tls = wrapped.buildProtocol(None)
        await connectProtocol(plain, tls)
        greeting = await listener.greeted
        handle = tls.getHandle()
        value = handle.export_keying_material(b"EXPORTER-Channel-Binding", 32)
        (session,) = self.messaging.sessions.values()
        approach = session.approach
        tls.loseConnection()
        await listener.gone
        self.assertEqual(approach.peer, "127.0.0.1")
        return greeting, approach.channel, approach.certificate, value

    async def test_both_ends_have_the_same_value_to_bind_proofs_to(self) -> None:
        greeting, channel, certificate, value = await self.greet(CertificateOptions())
        self.assertEqual(channel, Channel(True, value))
        self.assertIsNone(certificate)
        self.assertIn("SCRAM-SHA-256-PLUS", greeting.schemes)
        for unsafe in ("SCRAM-SHA-256", "tls_client_certificate", "PLAIN"):
            self.assertNotIn(unsafe, greeting.schemes)

    async def test_before_tls_13_there_is_none_and_nothing_is_offered_that_needs_it(self) -> None:
        old = CertificateOptions(lowerMaximumSecurityTo=TLSVersion.TLSv1_2)
        greeting, channel, _, _ = await self.greet(old)
        self.assertEqual(channel, Channel(True, None))
        self.assertFalse(channel.takes_unbound)
        self.assertEqual({scheme for scheme in greeting.schemes if scheme.startswith("SCRAM")}, set())

    async def test_a_certificate_that_the_client_shows_is_known_to_the_login(self) -> None:
        key = private_key(KeyType.P256)
        approved = profile().check(read_request(csr_pem(key, uri=["spiffe://pkid.internal/db"])))
        leaf = root().sign(approved, NOON, 2**131)
        shown = crypto.X509.from_cryptography(leaf)
        options = CertificateOptions(privateKey=crypto.PKey.from_cryptography_key(key), certificate=shown)
        greeting, _, certificate, _ = await self.greet(options)
        self.assertEqual(certificate, crypto.dump_certificate(crypto.FILETYPE_ASN1, shown))
        self.assertIn("tls_client_certificate", greeting.schemes)

    async def test_who_leaves_without_a_handshake_gives_its_place_back(self) -> None:
        handshakes = self.factory.handshakes
        stranger = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port), Protocol())
        while not len(handshakes):
            await deferLater(reactor, 0)
        assert stranger.transport is not None
        stranger.transport.loseConnection()
        while len(handshakes):
            await deferLater(reactor, 0)
