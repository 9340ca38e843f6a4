"""The HTTPS door in memory: its real pages over a store that can hold commits back, with clocks that stand still."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from cryptography.hazmat.primitives.serialization import Encoding
from treq.testing import StubTreq
from twisted.cred.portal import Portal
from twisted.internet.address import IPv4Address
from twisted.internet.defer import execute
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from pkid.audit import Strangers
from pkid.auth.checkers import BearerTokenChecker
from pkid.auth.credentials import Member
from pkid.auth.derivation import KeyDerivation
from pkid.auth.endorsement import Endorsements
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.realm import Realm
from pkid.auth.tokens import TokenSigner
from pkid.ca.authority import Authority
from pkid.commands.core import core_commands
from pkid.commands.interpreter import Interpreter
from pkid.issuance import Issuance
from pkid.selftest import SelfTest
from pkid.store.memory import MemoryStore
from pkid.web.ca import CertificatePage, SignPage
from pkid.web.channel import Channel
from pkid.web.cli import EvaluatePage, ExecutePage, InfoPage, ModelPage
from pkid.web.guard import Guard
from pkid.web.rendering import NotFound, Routes
from pkid.web.site import Site, Traffic
from pkid.web.system import NobodyPage, PingPage, ReadyPage
from pkid.web.threshold import Threshold
from tests.certificates import NOON, PSK, SALT, make_token, profile, root, signing_key
from tests.inventory.sources import certificates

__all__ = ["CA_DER", "CA_PEM", "Connection", "Door", "Visitor", "bearer", "request"]

CA_PEM = root().certificate.public_bytes(Encoding.PEM)
CA_DER = root().certificate.public_bytes(Encoding.DER)


def bearer(**claims: object) -> bytes:
    """Return the value of an ``Authorization`` header that is good at noon."""
    return b"Bearer " + make_token(claims, expires_at=NOON.timestamp() + 300)


def request(method: str, path: str, body: bytes = b"", **headers: bytes) -> bytes:
    """Write a request; ``_`` in a header's name stands for ``-``."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: core"]
    lines += [name.replace("_", "-").encode() + b": " + value for name, value in headers.items()]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


class Visitor(StubTreq):
    """A client of treq's that asks for these pages, over connections in memory to a site of the door's own kind."""

    def __init__(self, routes: Routes) -> None:
        super().__init__(routes)
        site = Site(self._agent._memoryReactor)
        site.serve(routes)
        self._agent._serverFactory = site


class Wire(StringTransport):
    """A transport that counts how it was ended; TLS peers, too, may leave :meth:`loseConnection` without effect."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True

    def unregisterProducer(self) -> None:
        """Let go of a producer, if there is one: as real transports, it may be told so again."""
        if self.producer is not None:
            super().unregisterProducer()


@dataclass
class Connection:
    """One connection to the door: what the client does, and what it gets."""

    channel: Channel
    wire: Wire

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.channel.dataReceived(piece)

    @property
    def received(self) -> bytes:
        return bytes(self.wire.value())

    @property
    def statuses(self) -> list[int]:
        """The status of each answer so far."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.received)]

    def leave(self) -> None:
        """Let the connection end, from either side."""
        self.channel.connectionLost(Failure(ConnectionDone()))


@dataclass
class Door:
    """The door and what is behind it."""

    clock: Clock = field(default_factory=Clock)
    store: MemoryStore = field(default_factory=MemoryStore)
    serials: Iterator[int] = field(default_factory=lambda: count(2**130))
    most_per_peer: int = 256
    traffic: Traffic | None = None
    psks: tuple[PreSharedKey, ...] = (PSK,)
    nobody: Member | None = None
    notices: tuple[str, ...] = ()
    is_own_name: Callable[[str], bool] | None = None
    now: float = NOON.timestamp()

    def __post_init__(self) -> None:
        issuer = root()
        self.authority = Authority(issuer, profile(), lambda: NOON, lambda: next(self.serials))
        derivation = KeyDerivation(execute, 1)
        keyring = Keyring(self.psks, lambda: self.now)
        endorsements = Endorsements(keyring, lambda: self.now)
        signers = {psk: TokenSigner(signing_key(psk.secret), SALT, psk.name) for psk in self.psks}
        endorsements.exchange(signers)
        for psk, signer in signers.items():
            derivation.remember(psk, SALT, signer.key)
        checker = BearerTokenChecker(keyring, derivation, lambda: self.now)
        guard = Guard(Portal(Realm(), [checker]), Strangers(self.clock.seconds), keyring, self.nobody)
        issuance = Issuance(self.authority, self.store)
        interpreter = Interpreter(core_commands(lambda: issuer.anchor, certificates(self.store), issuance, execute))
        self.routes = Routes(
            {
                "/ca/cert": CertificatePage(self.authority, endorsements, keyring),
                "/ca/sign": SignPage(guard, issuance),
                "/cli/evaluate": EvaluatePage(guard, interpreter),
                "/cli/execute": ExecutePage(guard, interpreter),
                "/cli/info": InfoPage(guard, interpreter),
                "/model": ModelPage(guard),
                "/system/ping": PingPage(),
                "/system/ready": ReadyPage(
                    SelfTest(self.authority, self.store, lambda: None, self.clock), self.notices
                ),
                **({"/authorization/user": NobodyPage()} if self.nobody else {}),
            },
            otherwise=NotFound(guard),
            keyring=keyring,
            threshold=Threshold(self.notices, self.is_own_name),
        )
        self.guard, self.keyring = guard, keyring
        self.site = Site(self.clock, self.most_per_peer, self.traffic)
        self.site.serve(self.routes)

    def connect(self, host: str = "192.0.2.1") -> Connection:
        """Open a connection."""
        address = IPv4Address("TCP", host, 4711)
        channel = self.site.buildProtocol(address)
        assert isinstance(channel, Channel)
        wire = Wire(peerAddress=address)
        channel.makeConnection(wire)
        return Connection(channel, wire)
