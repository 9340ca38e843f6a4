"""A real core whose protection is off: it works, says so everywhere, and no web page can drive it."""

from __future__ import annotations

import ssl
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.certificates import csr_pem, private_key
from tests.daemon import Daemon, start_daemon
from tests.interop.core import PSK, WITH_PSK, ask, bearer
from tests.support import Case

OFF = "NO AUTHENTICATION (--psk '')"
CREATE = b"certificate create --common-name a.b --key-type p256"


class NoAuthenticationTests(Case):
    def setUp(self) -> None:
        self.daemon: Daemon = start_daemon(self, "--psk", "", "--host-dns-names", "core.example")

    def test_everybody_is_served_and_everything_says_so(self) -> None:
        self.assertEqual(self.daemon.output.count(OFF), 1)
        self.assertNotIn("which other machines can reach", self.daemon.output)
        self.assertFalse((self.daemon.state / "psk").exists())
        for method, path, body, status in (
            ("GET", "/system/ready", None, 200), ("GET", "/ca/cert", None, 200), ("POST", "/ca/sign", csr_pem(), 200),
            ("GET", "/authorization/user", None, 204), ("GET", "/nowhere", None, 404), ("POST", "/ca/renew", b"", 401),
        ):  # fmt: skip
            answer = ask(self.daemon, method, path, body)
            self.assertEqual((answer.status, answer.headers["PKID-Warning"]), (status, "no authentication"), path)
            self.assertIsNone(answer.headers["Authorization"])
        self.assertEqual(ask(self.daemon, "GET", "/system/ready").body, b"ok\nno authentication")

    def test_a_web_page_cannot_drive_it(self) -> None:
        text = {"Content-Type": "text/plain"}
        url = f"https://localhost:{self.daemon.port}"
        for more, status in (
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "https://localhost:1"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Host": "evil.example"}, 403),
            ({"Host": f"evil.example:{self.daemon.port}", "Origin": f"https://evil.example:{self.daemon.port}"}, 403),
            ({"Host": "core.example:8900"}, 200),
            ({"Host": "192.0.2.1"}, 200),
            ({"Origin": url, "Sec-Fetch-Site": "same-origin"}, 200),
            ({}, 200),
        ):
            answer = ask(self.daemon, "POST", "/cli/execute", CREATE, text | more)
            self.assertEqual(answer.status, status, more)
            self.assertEqual([name for name in answer.headers if name.lower().startswith("access-control")], [])
        refused = ask(self.daemon, "GET", "/ca/cert", None, {"Host": "evil.example"})
        self.assertIn(b"--host-dns-names", refused.body)

    def test_certificates_renew_while_it_lasts_and_not_after_it(self) -> None:
        first = ask(self.daemon, "POST", "/ca/sign", csr_pem(dns=["a.example"])).body
        self.assertEqual(self.renew(self.daemon, first), 200)
        self.daemon.stop()
        later = Daemon(self.daemon.state, *WITH_PSK)
        later.start()
        self.addCleanup(later.stop)
        self.assertEqual(self.renew(later, first), 403)
        self.assertEqual(ask(later, "POST", "/ca/sign", csr_pem()).status, 401)

    def renew(self, daemon: Daemon, certificate: bytes) -> int:
        context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
        pair = Path(self.mktemp())
        pair.write_bytes(private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate)
        context.load_cert_chain(pair)
        with closing(HTTPSConnection("localhost", daemon.port, context=context, timeout=30)) as connection:
            connection.request("POST", "/ca/renew", csr_pem(dns=["a.example"]))
            return connection.getresponse().status


class StoredKeyTests(Case):
    def test_the_stored_key_outlives_a_time_without_authentication(self) -> None:
        daemon = start_daemon(self)
        key = (daemon.state / "psk").read_text()
        daemon.stop()
        open_to_all = Daemon(daemon.state, "--psk", "")
        open_to_all.start()
        self.addCleanup(open_to_all.stop)
        self.assertEqual(ask(open_to_all, "POST", "/ca/sign", csr_pem()).status, 200)
        self.assertEqual((daemon.state / "psk").read_text(), key)


class NoEncryptionTests(Case):
    def test_it_asks_for_proof_all_the_same_and_says_what_is_off(self) -> None:
        daemon = start_daemon(self, *WITH_PSK, "--no-tls", "--https", "tcp:0:interface=0.0.0.0")
        self.assertEqual(daemon.output.count("NO ENCRYPTION (--no-tls): whoever listens at 0.0.0.0"), 1)
        self.assertIn("which other machines can reach", daemon.output)
        self.assertNotIn(OFF, daemon.output)
        for headers, status in (({}, 401), (bearer("wrong"), 401), (bearer(PSK), 200)):
            with closing(HTTPConnection("127.0.0.1", daemon.port, timeout=30)) as connection:
                connection.request("POST", "/ca/sign", csr_pem(), {**headers, "Host": "any.example"})
                answer = connection.getresponse()
                self.assertEqual((answer.status, answer.getheader("PKID-Warning")), (status, "no encryption"))
