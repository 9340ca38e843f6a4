"""A real core whose CA is replaced: what certificates of the former one are good for, until it is distrusted."""

from __future__ import annotations

import json
import ssl
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid.auth.proofs import CertificateProof
from pkid.broker.commands import Prove
from pkid.ca.pem import write_certificates
from pkid.errors import Reason
from pkid.line.events import Closed, Errored, Welcomed
from tests.certificates import authority, csr_pem, private_key
from tests.daemon import Daemon, DaemonFailed
from tests.integration.lines import LinePeer
from tests.integration.test_own_certificates import VALID, OwnCase
from tests.interop.core import WITH_PSK, Answer, ask, bearer

ALICE = "spiffe://pkid.internal/alice"


class LineageTests(OwnCase):
    def setUp(self) -> None:
        super().setUp()
        self.next = authority("CN=Example Next", valid=VALID)

    def again(self, *options: str) -> Daemon:
        """Start the core anew, with other options."""
        state = self.daemon.state
        self.daemon.stop()
        self.daemon = Daemon(state, *WITH_PSK, *options)
        self.daemon.start()
        self.addCleanup(self.daemon.stop)
        return self.daemon

    def enroll(self) -> Path:
        """Get a certificate with an identity; return a file with it and its key."""
        answer = ask(self.daemon, "POST", "/ca/sign", csr_pem(uri=[ALICE]), bearer())
        self.assertEqual(answer.status, 200, answer.body)
        file = Path(self.mktemp())
        key = private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(key + answer.body)
        return file

    def renew(self, file: Path) -> int:
        context = ssl.create_default_context(cafile=str(self.daemon.state / "ca.crt"))
        context.load_cert_chain(file)
        with closing(HTTPSConnection("localhost", self.daemon.port, context=context, timeout=30)) as connection:
            connection.request("POST", "/ca/renew", csr_pem(uri=[ALICE]))
            return connection.getresponse().status

    def log_in(self, file: Path) -> LinePeer:
        peer = LinePeer(self.daemon, pair=file)
        self.addCleanup(peer.socket.close)
        self.said = peer.ask(Prove("1", "alice", CertificateProof()))
        return peer

    def command(self, text: str) -> Answer:
        headers = {**bearer(), "Content-Type": "text/plain"}
        return ask(self.daemon, "POST", "/cli/execute", text.encode(), headers)

    def distrust(self, certificate: x509.Certificate) -> bytes:
        return self.command(f"ca distrust {certificate.fingerprint(SHA256()).hex(':')}").body

    def test_certificates_of_a_former_ca_outlive_a_restart_until_it_is_distrusted(self) -> None:
        self.start(*self.put_ca(self.own))
        file = self.enroll()
        self.put_ca(self.next)
        self.hang_up("the core has a new certificate")
        self.again(*self.put_ca(self.next))
        self.assertEqual(self.renew(file), 200)
        peer = self.log_in(file)
        self.assertIsInstance(self.said, Welcomed)
        listed = json.loads(self.command("ca list").body)
        self.assertEqual([each["name"] for each in listed], ["CN=Example Next", "CN=Example Fleet"])

        self.assertIn(b"is distrusted; 1 session ended", self.distrust(self.own.certificate))
        self.assertEqual(peer.next(Closed).code, "expelled")
        for _ in range(2):
            self.assertEqual(self.renew(file), 401)
            self.log_in(file)
            assert isinstance(self.said, Errored), self.said
            self.assertEqual(self.said.code, Reason.PROOF_FAILED.code)
            self.again(*self.put_ca(self.next))
        self.assertEqual(self.renew(self.enroll()), 200)
        self.assertIn("audit action=distrust result=allowed credential=psk:default", self.daemon.output)

    def test_to_another_ca_while_the_core_is_down_and_back(self) -> None:
        self.start()
        stored = self.enroll()
        self.again(*self.put_ca(self.own))
        own = self.enroll()
        self.again()
        self.assertEqual((self.renew(stored), self.renew(own)), (200, 200))
        self.again(*self.put_ca(self.own))
        self.assertEqual((self.renew(stored), self.renew(own)), (200, 200))

    def test_a_distrusted_ca_issues_no_more(self) -> None:
        self.start()
        built_in = x509.load_pem_x509_certificate((self.daemon.state / "ca.crt").read_bytes())
        self.assertIn(b"issues with this key", self.distrust(built_in))
        self.again(*self.put_ca(self.own))
        self.assertIn(b"is distrusted; 0 sessions ended", self.distrust(built_in))
        self.assertIn(b"no CA with the fingerprint", self.distrust(self.next.certificate))
        error = self.assertRaises(DaemonFailed, self.again)
        self.assertIn("ca.pem holds a CA whose key is distrusted since", str(error))
        self.daemon = Daemon(self.daemon.state, *WITH_PSK, *self.put_ca(self.own))
        self.daemon.start()
        self.addCleanup(self.daemon.stop)
        self.assertEqual(ask(self.daemon, "GET", "/ca/cert").body, write_certificates([self.own.anchor]))
