"""``POST /ca/renew`` over real TLS: what a client can do with the certificate that it has."""

from __future__ import annotations

import socket
import sqlite3
import ssl
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid.ca.issuer import make_root
from pkid.ca.keys import KeyType, PrivateKey
from tests.certificates import csr_pem, private_key
from tests.daemon import Daemon, start_daemon
from tests.interop.core import WITH_PSK, ask, bearer
from tests.support import Case

Answer = tuple[int, bytes]


class RenewTests(Case):
    def setUp(self) -> None:
        self.daemon: Daemon = start_daemon(self, *WITH_PSK)
        self.key = private_key()
        self.first = self.enroll(self.key)

    def enroll(self, key: PrivateKey) -> bytes:
        answer = ask(self.daemon, "POST", "/ca/sign", csr_pem(key, dns=["a.example"]), bearer())
        self.assertEqual(answer.status, 200)
        return answer.body

    def context(self, certificate: bytes | None = None, key: PrivateKey | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.daemon.state / "ca.crt"))
        if certificate is not None:
            file = Path(self.mktemp())
            pem = (key or self.key).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            file.write_bytes(pem + certificate)
            context.load_cert_chain(file)
        return context

    def connection(self, context: ssl.SSLContext) -> HTTPSConnection:
        return HTTPSConnection("localhost", self.daemon.port, context=context, timeout=30)

    def renew(self, connection: HTTPSConnection, body: bytes) -> Answer:
        connection.request("POST", "/ca/renew", body)
        response = connection.getresponse()
        return response.status, response.read()

    def renew_once(self, context: ssl.SSLContext, body: bytes) -> Answer:
        with closing(self.connection(context)) as connection:
            return self.renew(connection, body)

    def test_a_certificate_renews_itself_and_the_ledger_links_the_two(self) -> None:
        key = private_key(owner="renewed")
        status, second = self.renew_once(self.context(self.first), csr_pem(key, dns=["a.example"]))
        self.assertEqual(status, 200)
        third_status, third = self.renew_once(self.context(second, key), csr_pem(self.key, dns=["a.example"]))
        self.assertEqual(third_status, 200)
        serials = [x509.load_pem_x509_certificate(pem).serial_number for pem in (self.first, second, third)]
        query = "SELECT renews, credential FROM certificates WHERE serial = ?"
        with closing(sqlite3.connect(self.daemon.state / "ledger.sqlite")) as ledger:
            links = [ledger.execute(query, [f"{serial:040x}"]).fetchone() for serial in serials]
        made = [(f"{serial:040x}", f"certificate:{serial:x}") for serial in serials[:2]]
        self.assertEqual(links, [(None, "psk:default"), *made])

    def test_other_names_are_refused(self) -> None:
        status, body = self.renew_once(self.context(self.first), csr_pem(dns=["b.example"]))
        self.assertEqual((status, body.splitlines()[0]), (403, b"Error: more-than-renewed"))

    def test_a_resumed_session_and_a_kept_connection_renew(self) -> None:
        context, body = self.context(self.first), csr_pem(dns=["a.example"])
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # whose session is there right after the handshake
        with closing(self.connection(context)) as connection, closing(self.connection(context)) as resumed:
            self.assertEqual([self.renew(connection, body)[0] for _ in range(2)], [200, 200])
            tls = connection.sock
            assert isinstance(tls, ssl.SSLSocket)
            plain = socket.create_connection(("localhost", self.daemon.port), 30)
            resumed.sock = again = context.wrap_socket(plain, server_hostname="localhost", session=tls.session)
            self.assertTrue(again.session_reused)
            self.assertEqual(self.renew(resumed, body)[0], 200)

    def test_nobody_else_renews(self) -> None:
        body = csr_pem(dns=["a.example"])
        other = make_root(KeyType.P256.generate(), datetime.now(UTC), x509.random_serial_number())
        foreign = other.certificate.public_bytes(Encoding.PEM)
        host = (self.daemon.state / "host.pem").read_bytes()
        for context in (self.context(), self.context(foreign, other.key)):
            self.assertEqual(self.renew_once(context, body), (401, b"401: Unauthorized"))
        file = Path(self.mktemp())
        file.write_bytes(host)
        context = self.context()
        context.load_cert_chain(file)
        self.assertEqual(self.renew_once(context, body), (401, b"401: Unauthorized"))

    def test_a_certificate_that_nobody_can_parse(self) -> None:
        loaded = x509.load_pem_x509_certificate(self.first)
        odd = loaded.public_bytes(Encoding.DER).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x04")  # version 5
        context = self.context(ssl.DER_cert_to_PEM_cert(odd).encode())
        self.assertEqual(self.renew_once(context, csr_pem(dns=["a.example"])), (401, b"401: Unauthorized"))

    def test_a_token_alone_does_not_renew_and_a_certificate_alone_does_not_sign(self) -> None:
        body = csr_pem(dns=["a.example"])
        self.assertEqual(ask(self.daemon, "POST", "/ca/renew", body, bearer()).status, 401)
        with closing(self.connection(self.context(self.first))) as connection:
            connection.request("POST", "/ca/sign", body)
            self.assertEqual(connection.getresponse().status, 401)
