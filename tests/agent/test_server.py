"""A port whose certificate is, at each handshake, the one that the service has then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from twisted.internet.defer import fail
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolNegotiationFactory,
)
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pkid.agent import (
    ClientEndpoint,
    ServerEndpoint,
)
from pkid.agent.contexts import options
from pkid.ca.issuer import make_root
from pkid.exchange import UntrustedServer
from tests.agent.live import DAY, YEAR, LiveCase, Talking, talking
from tests.certificates import SERIAL, private_key


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


@implementer(IProtocolNegotiationFactory)
class Negotiating(Factory[Talking]):
    """Speaks the protocol ``a``."""

    protocol = Talking

    def acceptableProtocols(self) -> list[bytes]:
        return [b"a"]
