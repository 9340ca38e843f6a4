"""How much work a login makes, counted: it must not grow unseen, and seconds depend on the machine."""

from __future__ import annotations

import cProfile
import pstats
from typing import Any

from twisted.internet.defer import execute
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock

from pkid.audit import Strangers
from pkid.auth import derivation, tokens
from pkid.auth.authentication import Authentication
from pkid.auth.component_login import Invitation, begin_attempt
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.own_credential import OwnPreSharedKey
from pkid.auth.transcript import Channel
from pkid.auth.unbound import PreSharedKeys
from pkid.broker.commands import Prove
from pkid.line import events
from pkid.line.codec import EventReader, write_command
from pkid.line.factory import LineFactory
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.service import BrokerService
from pkid.messaging.terms import Terms
from tests.auth.logins import CLIENT_NONCE, surroundings
from tests.certificates import PSK
from tests.line.test_protocol import Wire
from tests.support import Case

MOST_CALLS = 745
"""Of Python and of C, for a login by the pre-shared key, from the connection to its end, without TLS.

Some hundred are of the logs that the runner of the tests keeps, more in a worker of its own.
"""


class LoginWorkTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.derived = 0
        original = tokens.derive_key

        def derive(*arguments: Any) -> bytes:
            self.derived += 1
            return original(*arguments)

        self.patch(derivation, "derive_key", derive)
        core = surroundings(
            self.clock.seconds,
            psks=Keyring([PSK], self.clock.seconds),
            derivation=KeyDerivation(lambda work: execute(work), workers=1),
        )
        begin = Authentication([("psk", PreSharedKeys())], core).logins.begin
        service = BrokerService(Terms(), MemoryBrokerStore(), begin, self.clock, Strangers(self.clock.seconds))
        self.factory = LineFactory(service, self.clock)
        self.own = OwnPreSharedKey.derive(PSK.name, PSK.secret, bytes(16))
        self.profile = cProfile.Profile()

    def log_in(self) -> list[int]:
        """Connect, log in and leave; return how often the core wrote for each of these."""
        wire, writes = Wire(), []
        with self.profile:
            protocol = self.factory.buildProtocol(None)
            protocol.makeConnection(wire)
            self.clock.advance(0)
        written: list[bytes] = []
        (greeting,) = self.read(wire.value())
        assert isinstance(greeting, events.Greeted)
        self.patch(wire, "write", written.append)
        invitation = Invitation(greeting.server, greeting.nonce, greeting.schemes, Channel(False))
        proof = begin_attempt(invitation, "alice", self.own, CLIENT_NONCE).start()
        for line in (write_command(Prove(None, "alice", proof)), b"BYE\n"):
            before = len(written)
            with self.profile:
                protocol.dataReceived(line)
                self.clock.advance(0)
            writes.append(len(written) - before)
        with self.profile:
            protocol.connectionLost(connectionDone)
        welcome, farewell = self.read(b"".join(written))
        self.assertIsInstance(welcome, events.Welcomed)
        self.assertIsInstance(farewell, events.Closed)
        return writes

    def read(self, data: bytes) -> list[events.Event]:
        reader = EventReader()
        reader.feed(data)
        return list(iter(reader.read, None))

    def test_a_login_with_a_salt_that_is_known_derives_nothing_and_costs_some_hundred_calls(self) -> None:
        self.log_in()
        calls = []
        for _ in range(5):
            self.profile = cProfile.Profile()
            self.assertEqual(self.log_in(), [1, 1])
            statistics: Any = pstats.Stats(self.profile)
            calls.append(statistics.total_calls)
        self.assertEqual(self.derived, 1)
        self.assertLess(min(calls), MOST_CALLS)  # garbage may be looked for within one of them
