"""The live TLS context, by handshakes over loopback: what it speaks, and that it can be swapped."""

from __future__ import annotations

import contextlib
import gc
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from weakref import ref

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from pkid.ca.keys import KeyType, PrivateKey
from pkid.ca.names import Names
from pkid.state import KeyPair
from pkid.tls import LiveContext, NewestTLS, server_context
from tests.certificates import NOON, authority, private_key, profile, root

T = TypeVar("T")


class Echo(Protocol):
    """Sends back what it gets."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class Visited(Echo):
    """Tells who waits for it how it ended, and what to look at for what is left of it."""

    left: Deferred[tuple[Any, Any]]

    def connectionMade(self) -> None:
        transport: Any = self.transport
        self.tls = ref(transport.getHandle())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.left.callback((self.tls, reason.type))


def talk(connection: ssl.SSLSocket) -> tuple[ssl.SSLSession | None, bool | None]:
    """Say something, and say goodbye; return what a next connection may resume, and whether this one did."""
    connection.sendall(b"x")
    connection.recv(1)  # TLS 1.3 sends tickets after the handshake
    session, reused = connection.session, connection.session_reused
    with contextlib.suppress(OSError):
        connection.unwrap()  # a session that ends without a farewell is not resumed
    return session, reused


def hang_up(connection: ssl.SSLSocket) -> None:
    """Say something, and no goodbye."""
    connection.sendall(b"x")
    connection.recv(1)


class LiveContextTests(TestCase):
    timeout = 30

    async def setUp(self) -> None:  # type: ignore[override]
        self.live = LiveContext()
        self.use(KeyType.P256, 2**130)
        endpoint = wrapServerTLS(self.live, TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
        self.port: Any = await endpoint.listen(Factory.forProtocol(Echo))
        self.addCleanup(self.port.stopListening)

    def use(self, kind: KeyType, serial: int) -> None:
        """Swap to a certificate with this serial number."""
        key: PrivateKey = private_key(kind)
        approved = profile().approve_core(key.public_key(), Names(dns=("localhost",)))
        self.live.swap(server_context(KeyPair(key, root().sign(approved, NOON, serial)), [root().chain]))

    def connect(self, **changes: object) -> ssl.SSLSocket:
        """Shake hands, in a thread, as a client that trusts the authority whatever the time."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        session = changes.pop("session", None)
        context = changes.pop("context", context)  # type: ignore[assignment]
        for name, value in changes.items():
            if callable(getattr(context, name)):
                getattr(context, name)(value)
            else:
                setattr(context, name, value)
        plain = socket.create_connection(("127.0.0.1", self.port.getHost().port), timeout=20)
        try:
            return context.wrap_socket(plain, server_hostname="localhost", session=session)  # type: ignore[arg-type]
        except BaseException:
            plain.close()
            raise

    async def client(self, work: Callable[[ssl.SSLSocket], T], **changes: object) -> T:
        """Shake hands, do *work* with the connection, and close it."""

        def run() -> T:
            with self.connect(**changes) as connection:
                return work(connection)

        return await deferToThread(run)

    async def test_tls_13_by_default(self) -> None:
        self.assertEqual(await self.client(ssl.SSLSocket.version), "TLSv1.3")

    async def test_tls_12_is_spoken(self) -> None:
        for kind in (KeyType.P256, KeyType.RSA2048):
            self.use(kind, 2**130)
            version = await self.client(ssl.SSLSocket.version, maximum_version=ssl.TLSVersion.TLSv1_2)
            self.assertEqual(version, "TLSv1.2")

    async def test_older_ones_are_not(self) -> None:
        assert self.live._context is not None
        self.live._context.set_cipher_list(b"ALL:@SECLEVEL=0")  # so that nothing but the version is in the way
        for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
            with self.assertRaises(ssl.SSLError):
                await self.client(
                    ssl.SSLSocket.version,
                    set_ciphers="ALL:@SECLEVEL=0",
                    minimum_version=version,
                    maximum_version=version,
                )

    async def test_weak_ciphers_are_not(self) -> None:
        for ciphers in ("NULL:@SECLEVEL=0", "AES128-SHA:@SECLEVEL=0", "DHE-RSA-AES128-SHA:@SECLEVEL=0"):
            with self.assertRaises(ssl.SSLError):
                await self.client(ssl.SSLSocket.version, set_ciphers=ciphers, maximum_version=ssl.TLSVersion.TLSv1_2)

    async def test_http_11_is_the_only_protocol(self) -> None:
        choose = ssl.SSLSocket.selected_alpn_protocol
        self.assertEqual(await self.client(choose, set_alpn_protocols=["h2", "http/1.1"]), "http/1.1")
        self.assertIsNone(await self.client(choose))
        with self.assertRaises(ssl.SSLError):
            await self.client(choose, set_alpn_protocols=["h2"])

    async def test_a_door_of_the_broker_speaks_nothing_older_than_tls_13_and_gives_no_tickets(self) -> None:
        endpoint = wrapServerTLS(NewestTLS(self.live), TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
        self.port = await endpoint.listen(Factory.forProtocol(Echo))
        self.addCleanup(self.port.stopListening)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        session, _ = await self.client(talk, context=context)
        if session is not None:
            _, reused = await self.client(talk, context=context, session=session)
            self.assertFalse(reused)
        with self.assertRaises(ssl.SSLError):
            await self.client(ssl.SSLSocket.version, maximum_version=ssl.TLSVersion.TLSv1_2)

    async def test_of_a_connection_that_just_ends_nothing_is_left(self) -> None:
        """It says nothing more, not even in TLS, and what TLS knows of it is freed before anybody looks for garbage."""
        gc.disable()
        self.addCleanup(gc.enable)
        v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        for creator, version in ((NewestTLS(self.live), v13), (self.live, v13), (self.live, v12)):
            endpoint = wrapServerTLS(creator, TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
            self.port = await endpoint.listen(Factory.forProtocol(Visited))
            self.addCleanup(self.port.stopListening)
            Visited.left = Deferred()
            await self.client(hang_up, maximum_version=version)
            remains, kind = await Visited.left
            await deferLater(reactor, 0)
            self.assertEqual((remains(), kind), (None, ConnectionDone), (creator, version))

    async def test_sessions_are_resumed(self) -> None:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.maximum_version = version
            session, reused = await self.client(talk, context=context)
            self.assertFalse(reused)
            _, reused = await self.client(talk, context=context, session=session)
            self.assertTrue(reused, version)
            self.use(KeyType.P256, 2**131)
            _, reused = await self.client(talk, context=context, session=session)
            self.assertFalse(reused, "a session of the context before")

    async def test_sessions_are_not_kept_here(self) -> None:
        approved = profile().approve_core(private_key().public_key(), Names(dns=("localhost",)))
        context = server_context(KeyPair(private_key(), root().sign(approved, NOON, 2**130)), [root().chain])
        self.assertEqual(context.get_session_cache_mode(), SSL.SESS_CACHE_OFF)

    async def test_a_long_chain_of_a_client_is_not_worked_through(self) -> None:
        for length, accepted in ((1, True), (3, True), (12, False)):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.maximum_version = ssl.TLSVersion.TLSv1_2  # in which a refusal is the handshake's
            context.load_cert_chain(self.chain(length))
            try:
                await self.client(lambda connection: connection.version(), context=context)
            except OSError:
                self.assertFalse(accepted, length)
            else:
                self.assertTrue(accepted, length)

    async def test_what_leads_to_the_root_is_shown_and_the_root_is_not(self) -> None:
        issuer = authority("CN=bottom", authority("CN=middle", authority("CN=top")))
        approved = profile().approve_core(private_key().public_key(), Names(dns=("localhost",)))
        leaf = issuer.sign(approved, NOON, 2**130)
        self.live.swap(server_context(KeyPair(private_key(), leaf, issuer.chain), [issuer.chain]))

        def shown(connection: ssl.SSLSocket) -> list[x509.Certificate]:
            chain = connection._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
            return [x509.load_pem_x509_certificate(each.public_bytes().encode()) for each in chain]

        self.assertEqual(await self.client(shown), [leaf, *issuer.intermediates])

    async def test_a_chain_as_long_as_the_authority_s_own_is_taken(self) -> None:
        issuer = authority("CN=0")
        for number in range(1, 5):
            issuer = authority(f"CN={number}", issuer)
        pair = KeyPair(private_key(), root().certificate)
        for chains, accepted in (([root().chain], False), ([root().chain, issuer.chain], True)):
            context = server_context(replace(pair, key=root().key), chains)
            self.assertEqual(context.get_verify_depth() >= len(issuer.chain), accepted)

    def chain(self, length: int) -> str:
        """Write a key and so many certificates, each signed by the next one and the last by itself."""
        key = private_key(owner="chain")
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for number in range(length):
            subject, issuer = (
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"link {each}")])
                for each in (number, min(number + 1, length - 1))
            )
            constraints = x509.BasicConstraints(ca=number > 0, path_length=None)
            builder = x509.CertificateBuilder(issuer, subject, key.public_key(), number + 1)
            builder = builder.not_valid_before(NOON - timedelta(days=9000)).not_valid_after(NOON)
            certificate = builder.add_extension(constraints, critical=True).sign(key, hashes.SHA256())
            pem += certificate.public_bytes(Encoding.PEM)
        path = Path(self.mktemp())
        path.write_bytes(pem)
        return str(path)

    async def test_new_handshakes_see_the_new_certificate_and_old_connections_live_on(self) -> None:
        old = await deferToThread(self.connect)
        try:
            before = old.getpeercert(True)
            self.use(KeyType.P384, 2**131)
            after = await self.client(lambda connection: connection.getpeercert(True))
            self.assertNotEqual(before, after)
            await deferToThread(old.sendall, b"still here")
            self.assertEqual(await deferToThread(old.recv, 99), b"still here")
        finally:
            old.close()

    async def test_a_handshake_that_stalls_keeps_nobody_waiting(self) -> None:
        stalled = [socket.create_connection(("127.0.0.1", self.port.getHost().port)) for _ in range(20)]
        try:
            for number, half in enumerate(stalled):
                half.sendall(b"\x16\x03\x01\x02\x00\x01"[: number % 7])
            self.assertEqual(await self.client(ssl.SSLSocket.version), "TLSv1.3")
        finally:
            for half in stalled:
                half.close()
