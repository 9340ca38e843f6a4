"""OpenSSL and pkilint judge what the core serves and signs, for every type of CA key."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, ClassVar

from tests.daemon import start_daemon
from tests.interop.core import WITH_PSK, ask, bearer
from tests.interop.openssl import extract_certificate, lint, openssl, request_certificate, verify
from tests.support import Case, slow

if TYPE_CHECKING:
    Base = Case
else:
    Base = object

KEYS = {
    "rsa": ("-newkey", "rsa:2048"),
    "p256": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p384": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "ed25519": ("-newkey", "ed25519"),
}
"""The key types of components, as options of ``openssl req``."""

TRUST_DOMAIN = "fleet.example"

NAMES = ("DNS:worker.example", "DNS:*.worker.example", "IP:192.0.2.7", "IP:2001:db8::7")


class AuthorityTests(Base):
    """A core with one type of CA key.

    :cvar ca_key_type: the core's ``--ca-key-type``.
    """

    ca_key_type: ClassVar[str]

    def setUp(self) -> None:
        self.daemon = start_daemon(self, *WITH_PSK, "--ca-key-type", self.ca_key_type, "--trust-domain", TRUST_DOMAIN)
        self.directory = self.daemon.state.parent
        self.authority = self.daemon.state / "ca.crt"

    def test_handshake(self) -> None:
        """The door speaks TLS 1.3 and 1.2 with a certificate that verifies, and refuses TLS 1.1."""
        self.assertIn("New, TLSv1.3", self.connect())
        self.assertIn("New, TLSv1.2", self.connect("-tls1_2"))
        old = ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        self.assertIn("alert protocol version", self.fail_to_connect(*old))
        self.assertIn("hostname mismatch", self.fail_to_connect("-verify_hostname", "other.example"))

    def test_certificates(self) -> None:
        """The CA, the host and components of every key type pass a strict check and a linter; each has its identity."""
        host = self.directory / "host.crt"
        host.write_text(extract_certificate(self.connect()))
        self.check(self.authority)
        self.check(host, "-purpose", "sslserver", "-verify_hostname", "localhost")
        self.check_identity(host, "pkid/core")
        for name, key in KEYS.items():
            component = self.sign(name, key)
            self.check(component, "-purpose", "sslserver", "-verify_hostname", "worker.example")
            self.check(component, "-purpose", "sslclient", "-verify_ip", "192.0.2.7")
            self.check_identity(component, f"worker-{name}")

    def sign(self, name: str, key: tuple[str, ...]) -> Path:
        """Get a certificate with an identity for a new key; return its file."""
        identity = f"URI:spiffe://{TRUST_DOMAIN}/worker-{name}"
        request = request_certificate(self.directory / f"{name}.csr", key, "/CN=worker.example", *NAMES, identity)
        answer = ask(self.daemon, "POST", "/ca/sign", request.read_bytes(), bearer())
        self.assertEqual(answer.status, 200, answer.body)
        certificate = request.with_suffix(".crt")
        certificate.write_bytes(answer.body)
        return certificate

    def check(self, certificate: Path, *options: str) -> None:
        """Check one certificate with both programs."""
        self.assertEqual(verify(self.authority, certificate, *options), f"{certificate}: OK\n")
        self.assertEqual(lint(certificate), [], certificate.name)

    def check_identity(self, certificate: Path, name: str) -> None:
        """Check that a certificate names one component and no other."""
        names = openssl("x509", "-in", certificate, "-noout", "-ext", "subjectAltName").stdout
        self.assertEqual(names.count("URI:"), 1, names)
        self.assertRegex(names, rf"URI:spiffe://{TRUST_DOMAIN}/{name}(,|\n)")

    def connect(self, *options: str) -> str:
        """Connect with ``openssl s_client``, which must succeed; return what it tells."""
        ended = self.s_client("-verify_hostname", "localhost", *options)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.assertIn("Verify return code: 0 (ok)", ended.stdout)
        return ended.stdout

    def fail_to_connect(self, *options: str) -> str:
        """Connect with ``openssl s_client``, which must fail; return what it tells."""
        ended = self.s_client(*options)
        self.assertNotEqual(ended.returncode, 0, ended.stdout)
        return ended.stdout

    def s_client(self, *options: str) -> CompletedProcess[str]:
        """Run ``openssl s_client``, trusting only the CA."""
        return openssl(
            *("s_client", "-connect", f"localhost:{self.daemon.port}", "-servername", "localhost"),
            *("-CAfile", str(self.authority), "-verify_return_error", "-x509_strict", *options),
        )


class P256Authority(AuthorityTests, Case):
    """The default."""

    ca_key_type = "p256"


class P384Authority(AuthorityTests, Case):
    """ECDSA P-384."""

    ca_key_type = "p384"


class Ed25519Authority(AuthorityTests, Case):
    """Ed25519."""

    ca_key_type = "ed25519"


class RSA2048Authority(AuthorityTests, Case):
    """RSA of 2048 bits, as the originals have it."""

    ca_key_type = "rsa2048"


class SlowAuthorityTests(AuthorityTests):
    """The same, for keys that take seconds to make."""

    def setUp(self) -> None:
        slow()
        super().setUp()


class RSA3072Authority(SlowAuthorityTests, Case):
    """RSA of 3072 bits."""

    ca_key_type = "rsa3072"


class RSA4096Authority(SlowAuthorityTests, Case):
    """RSA of 4096 bits."""

    ca_key_type = "rsa4096"
