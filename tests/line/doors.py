"""A line door with a broker behind it, on a real socket with TLS: the daemon's own parts, and keys in memory."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import succeed
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.agent.credential import Credential
from pkid.agent.runtime import Runtime
from pkid.audit import Strangers
from pkid.auth.authentication import Authentication
from pkid.auth.component_keyring import Material, MemoryKeyring, StoredCredential
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.own_credential import OwnCredential
from pkid.auth.psk import Terms as PskTerms
from pkid.auth.unbound import Certificates, PreSharedKeys, StoredKeys
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.ledger import Entry
from pkid.ca.patterns import ComponentPattern
from pkid.ca.policy import Policy, Rules
from pkid.ca.request import read_request
from pkid.line.client.client import Client
from pkid.line.client.endpoint import TrustingEndpoint
from pkid.line.factory import LineFactory
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.service import BrokerService
from pkid.messaging.terms import Terms
from pkid.state import KeyPair
from pkid.tls import LiveContext, server_context
from tests.auth.logins import outcome, surroundings
from tests.certificates import PSK, SERIAL, csr_pem, private_key, profile

__all__ = [
    "ALL_VERSIONS",
    "TLS_1_2",
    "TLS_1_3",
    "Door",
    "DoorCase",
    "Versions",
    "authority",
    "credential",
    "entry_of",
    "listen",
    "runtime",
]

reactor: Any = global_reactor

Versions = tuple[int, int]
"""The lowest and the highest version of TLS, as OpenSSL numbers them."""
TLS_1_2: Versions = (SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION)
TLS_1_3: Versions = (SSL.TLS1_3_VERSION, SSL.TLS1_3_VERSION)
ALL_VERSIONS: Versions = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)


_ALL = Rules((ComponentPattern("superuser"), ComponentPattern("*")))
LISTING = replace(PSK, terms=PskTerms(policy=Policy(components=_ALL)))
"""The pre-shared key of the door's core: good for every name, and for *superuser* whatever rights that has."""


def runtime() -> Runtime:
    """Return what a component takes from this process."""
    return Runtime.of(reactor)


@cache
def authority() -> Issuer:
    """Return the CA of the core, which is valid now."""
    return make_root(private_key(owner="authority"), datetime.now(UTC) - timedelta(hours=1), SERIAL)


def credential(owner: str, **names: Any) -> Credential:
    """Return a key and a certificate from the core's CA; names as :func:`tests.certificates.csr_pem` has them."""
    key = private_key(owner=owner)
    approved = profile().check(read_request(csr_pem(key, **names)))
    certificate = authority().sign(approved, datetime.now(UTC), SERIAL + len(owner))
    return Credential(key, certificate)


def tls(shown: Credential, versions: Versions) -> LiveContext:
    """Return a server's TLS of certain versions."""
    context = server_context(KeyPair(shown.key, shown.certificate), [(authority().certificate,)])
    context.set_min_proto_version(versions[0])
    context.set_max_proto_version(versions[1])
    live = LiveContext()
    live.swap(context)
    return live


async def listen(test: TestCase, factory: IProtocolFactory, versions: Versions, owner: str = "core") -> int:
    """Listen with TLS, as *localhost*, until the test is over; return the port."""
    shown = credential(owner, dns=["localhost"])
    endpoint = wrapServerTLS(tls(shown, versions), TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
    port: IListeningPort = await endpoint.listen(factory)
    test.addCleanup(port.stopListening)
    return port.getHost().port  # type: ignore[attr-defined, no-any-return]


class Door:
    """A broker and its line door.

    :param stored: what the core has stored, by component.
    :param entries: the certificates that stand in the ledger.
    :ivar service: the broker's service.
    :ivar factory: the door's factory.
    """

    def __init__(
        self, stored: dict[str, Material], entries: tuple[Entry, ...] = (), *, unbound_allowed: bool = False
    ) -> None:
        self.service: BrokerService
        keyring, ledger = MemoryKeyring(), {entry.sha256: entry for entry in entries}
        for number, (component, material) in enumerate(stored.items()):
            outcome(keyring.add(StoredCredential(str(number), component, material)))
        core = surroundings(
            time.time,
            psks=Keyring([LISTING], time.time),
            derivation=KeyDerivation(deferToThread, workers=1),
            store=keyring,
            find_entry=lambda digest: succeed(ledger.get(digest)),
            has_rights=lambda name: self.service.rights.names(name),
        )
        chosen = [("psk", PreSharedKeys()), ("store", StoredKeys()), ("certificate", Certificates())]
        logins = Authentication(chosen, core).logins
        self.service = BrokerService(Terms(), MemoryBrokerStore(), logins.begin, reactor, Strangers(time.monotonic))
        self.factory = LineFactory(self.service, reactor, unbound_allowed=unbound_allowed)
        self.port = 0

    async def open(self, test: TestCase, versions: Versions = ALL_VERSIONS) -> None:
        """Begin to serve, until the test is over."""
        self.service.startService()
        test.addCleanup(self.service.stopService)
        self.port = await listen(test, self.factory, versions)


class DoorCase(TestCase):
    """Clients of a line door."""

    timeout = 30

    async def connect(
        self, port: int, component: str | None = None, own: OwnCredential | None = None, **how: Any
    ) -> Client:
        """Return a connected client; fail as its first attempt fails."""
        shown = how.pop("shown", None)
        client = Client(self.endpoint(port, shown), runtime(), component, own, **how)
        client.startService()
        self.addCleanup(client.stopService)
        await client.when_connected(tries=1)
        return client

    def endpoint(self, port: int, shown: Credential | None = None) -> TrustingEndpoint:
        """Return the way to a port of this machine, which must have a certificate of the core's CA."""

        async def known() -> x509.Certificate:
            return authority().certificate

        return TrustingEndpoint(runtime(), "localhost", port, known, lambda: shown)


def entry_of(shown: Credential, name: str) -> Entry:
    """Return the ledger's entry of a component's certificate."""
    der = shown.certificate.public_bytes(Encoding.DER)
    since, until = shown.not_before, shown.not_after
    return Entry(
        shown.certificate.serial_number, name, True, "component", PSK.credential, None, sha256(der).digest(),
        since, since, until, der, None, PSK.credential,
    )  # fmt: skip
