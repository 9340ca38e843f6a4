"""Whom a connection trusts: a host that proves its name with a certificate from one CA, and nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from pkid.agent.contexts import VerifyingClient, options
from pkid.agent.credential import Credential
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.keys import KeyType
from pkid.ca.names import Names
from pkid.exchange import UntrustedServer
from pkid.testing.wire import MemoryEndpoint
from pkid.tls import LiveContext
from tests.certificates import NOON, SERIAL, private_key, profile, root
from tests.support import Case


class Speaking(Protocol):
    """Sends a word at once, and remembers what came and how it ended."""

    lost: Failure | None = None

    def connectionMade(self) -> None:
        self.heard = b""
        assert self.transport is not None
        self.transport.write(b"secret")

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = reason


class VerifyingTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()

    def leaf(self, names: Names, issuer: Issuer | None = None, start: datetime = NOON) -> Credential:
        key = private_key()
        approved = profile().approve_core(key.public_key(), names)
        return Credential(key, (issuer or root()).sign(approved, start, SERIAL))

    def handmade(self, extensions: list[x509.ExtensionType], issuer: Issuer | None = None) -> Credential:
        """Sign what no core would."""
        key, issuer = private_key(), issuer or root()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "core.example")])
        builder = x509.CertificateBuilder(issuer.certificate.subject, name, key.public_key(), SERIAL)
        builder = builder.not_valid_before(NOON - timedelta(days=1)).not_valid_after(NOON + timedelta(days=1))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return Credential(key, builder.sign(issuer.key, hashes.SHA256()))

    def connect(self, shown: Credential, host: str = "core.example", **changes: Any) -> tuple[Speaking, Speaking]:
        """Let a client and a server talk; return both."""
        served: list[Speaking] = []

        def build() -> Speaking:
            served.append(Speaking())
            return served[-1]

        live = LiveContext()
        live.swap(options(shown).getContext())
        server: Factory[Speaking] = Factory.forProtocol(build)
        listening = TLSMemoryBIOFactory(live, False, server, self.clock)
        authority = changes.get("authority", root().certificate)
        tls = VerifyingClient(host, authority, changes.get("now", NOON), changes.get("credential"))
        wire = MemoryEndpoint(listening, self.clock, lambda: True)
        client: Any = self.successResultOf(wrapClientTLS(tls, wire, self.clock).connect(Factory.forProtocol(Speaking)))
        self.clock.advance(0)
        return client, served[0]

    def trusted(self, shown: Credential, host: str = "core.example", **changes: Any) -> None:
        client, server = self.connect(shown, host, **changes)
        self.assertEqual((client.heard, server.heard), (b"secret", b"secret"))
        self.assertIsNone(client.lost)

    def refused(self, why: str, shown: Credential, host: str = "core.example", **changes: Any) -> None:
        client, server = self.connect(shown, host, **changes)
        self.assertEqual((client.heard, server.heard), (b"", b""))
        assert client.lost is not None
        client.lost.trap(UntrustedServer)
        self.assertRegex(str(client.lost.value), why)

    def test_a_certificate_of_the_ca_for_the_name_is_trusted(self) -> None:
        shown = self.leaf(Names(dns=("core.example", "*.pool.example")))
        self.trusted(shown)
        self.trusted(shown, "CORE.example")
        self.trusted(shown, "a.pool.example")

    def test_so_is_one_for_the_address(self) -> None:
        shown = self.leaf(Names.of((), (ip_address("192.0.2.7"), ip_address("2001:db8::7"))))
        self.trusted(shown, "192.0.2.7")
        self.trusted(shown, "2001:db8::7")
        self.refused("not for this name", shown, "192.0.2.8")

    def test_cas_of_all_kinds_are_trusted(self) -> None:
        for kind in (KeyType.P384, KeyType.RSA2048, KeyType.ED25519):
            shown = self.leaf(Names(dns=("core.example",)), root(kind))
            self.trusted(shown, authority=root(kind).certificate)

    def test_an_intermediate_may_be_what_is_trusted(self) -> None:
        key = private_key(owner="intermediate")
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "intermediate")])
        builder = x509.CertificateBuilder(root().certificate.subject, name, key.public_key(), SERIAL)
        builder = builder.not_valid_before(NOON - timedelta(days=2)).not_valid_after(NOON + timedelta(days=99))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        issuer = Issuer(builder.sign(root().key, hashes.SHA256()), key)
        self.trusted(self.leaf(Names(dns=("core.example",)), issuer), authority=issuer.certificate)

    def test_another_name_is_not(self) -> None:
        shown = self.leaf(Names(dns=("core.example", "*.pool.example")))
        for host in ("db.example", "pool.example", "a.b.pool.example", "core.example.evil", "192.0.2.7"):
            self.refused("not for this name", shown, host)

    def test_a_common_name_is_no_name(self) -> None:
        self.refused("not for this name", self.handmade([]))

    def test_names_that_cannot_be_read_are_none(self) -> None:
        odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3007820563c3b12e78"))
        self.refused("not for this name", self.handmade([odd]))
        wild = x509.SubjectAlternativeName([x509.DNSName("core.example"), x509.DNSName("*")])
        self.refused("not for this name", self.handmade([wild]))

    def test_another_ca_is_not(self) -> None:
        stranger = make_root(private_key(owner="stranger"), NOON - timedelta(days=1), SERIAL)
        self.refused("from another CA", self.leaf(Names(dns=("core.example",)), stranger))
        self.refused("signed by itself", Credential(stranger.key, stranger.certificate))

    def test_the_time_is_the_components(self) -> None:
        shown = self.leaf(Names(dns=("core.example",)))
        start, end = shown.not_before, shown.not_after
        self.trusted(shown, now=start)
        self.refused("not valid yet", shown, now=start - timedelta(seconds=1))
        self.trusted(shown, now=end - timedelta(seconds=1))
        self.refused("has expired", shown, now=end + timedelta(seconds=1))

    def test_a_certificate_that_is_for_clients_only_is_not(self) -> None:
        names = x509.SubjectAlternativeName([x509.DNSName("core.example")])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        self.refused("not for a server", self.handmade([names, usage]))

    def test_tls_11_is_not_spoken(self) -> None:
        for version, spoken in ((SSL.TLS1_2_VERSION, True), (SSL.TLS1_1_VERSION, False)):
            context = options(None).getContext()
            ours = SSL.Connection(context, None)
            ours.set_connect_state()
            theirs_context = SSL.Context(SSL.TLS_METHOD)
            theirs_context.set_cipher_list(b"ALL:@SECLEVEL=0")
            theirs_context.set_max_proto_version(version)
            shown = options(self.leaf(Names(dns=("core.example",))))
            assert shown.privateKey is not None and shown.certificate is not None
            theirs_context.use_privatekey(shown.privateKey)
            theirs_context.use_certificate(shown.certificate)
            theirs = SSL.Connection(theirs_context, None)
            theirs.set_accept_state()
            self.assertEqual(shakes_hands(ours, theirs), spoken, version)


def shakes_hands(ours: SSL.Connection, theirs: SSL.Connection) -> bool:
    """Tell whether two connections agree."""
    try:
        for _ in range(4):
            for one, other in ((ours, theirs), (theirs, ours)):
                try:
                    one.do_handshake()
                except SSL.WantReadError:
                    pass
                try:
                    other.bio_write(one.bio_read(65536))
                except SSL.WantReadError:
                    pass
    except SSL.Error:
        return False
    return True
