"""Clients and servers that know each other by certificates of the same core."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
)
from twisted.internet.ssl import TLSVersion
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pkid.agent import (
    ClientAuthentication,
    ClientEndpoint,
    Credential,
    HTTPSPolicy,
    NotReady,
    connect,
)
from pkid.agent.contexts import options
from pkid.exchange import UntrustedServer
from pkid.testing import MemoryCore
from tests.agent.live import YEAR, LiveCase, talking


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

    def test_when_the_ca_is_another_its_clients_are_let_in_and_no_others(self) -> None:
        old = self.credential(self.component())
        service = self.listen(ClientAuthentication.REQUIRED)
        self.assertEqual(self.known(old), b"client.example")
        self.memory_core.replace_authority()
        new = self.credential(self.component())
        service.core._kept = self.memory_core.authority
        self.assertEqual((self.known(old), self.known(new)), (None, b"client.example"))

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
