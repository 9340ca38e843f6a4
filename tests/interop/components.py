"""What a component of either original must be able to do with the core: the tests of both libraries."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.daemon import start_daemon
from tests.interop.core import PSK, WITH_PSK, ask
from tests.interop.environments import Environment
from tests.interop.impostor import impostor
from tests.interop.openssl import verify
from tests.support import Case

__all__ = ["ComponentTests"]

if TYPE_CHECKING:
    Base = Case
else:
    Base = object


class ComponentTests(Base):
    """An unmodified library of one original, and a core with one type of CA key.

    :cvar environment: where the library is installed.
    :cvar ca_key_type: the core's ``--ca-key-type``.
    """

    environment: ClassVar[Environment]
    ca_key_type: ClassVar[str]

    def setUp(self) -> None:
        self.environment.python()
        self.daemon = start_daemon(self, *WITH_PSK, "--ca-key-type", self.ca_key_type)
        self.directory = self.daemon.state.parent

    def test_trust(self) -> None:
        """The library takes the CA certificate that the PSK vouches for, and no other."""
        authority = load(self.daemon.state / "ca.crt")
        self.assertEqual(self.succeed("trust", self.daemon.url, PSK, "trusted.crt").strip(), fingerprint(authority))
        self.assertEqual(load(self.directory / "trusted.crt"), authority)

        self.fail_with("jwt.exceptions.InvalidSignatureError", "trust", self.daemon.url, "changed", "none.crt")
        token = ask(self.daemon, "GET", "/ca/cert").headers["Authorization"]
        other = start_daemon(self, *WITH_PSK)
        body = (other.state / "ca.crt").read_bytes()
        with impostor(body, {"Authorization": token}) as url:
            self.fail_with("fixlib.core.ca.FingerprintError", "trust", url, PSK, "none.crt")
        with impostor(body, {}) as url:
            self.fail_with("fixlib.core.ca.NoJWTError", "trust", url, PSK, "none.crt")
        self.assertFalse((self.directory / "none.crt").exists())

    def test_sign(self) -> None:
        """The library gets a certificate for what it asked, signed by the CA; with another PSK it gets none."""
        authority = self.daemon.state / "ca.crt"
        asked = (str(authority), "worker-1", "worker.example", "192.0.2.7")
        self.fail_with("ValueError: Failed to get signed certificate", "sign", self.daemon.url, "changed", *asked)
        self.assertFalse((self.directory / "component.crt").exists())

        self.succeed("sign", self.daemon.url, PSK, *asked)
        path = self.directory / "component.crt"
        for purpose in ("sslserver", "sslclient"):
            self.assertEqual(verify(authority, path, "-purpose", purpose), f"{path}: OK\n")
        SSLContext().load_cert_chain(path, path.with_suffix(".key"))
        self.check_component(load(path), load(authority))

    def check_component(self, certificate: x509.Certificate, authority: x509.Certificate) -> None:
        """Check what a component of the originals relies on, and that nothing was slipped in."""
        extensions = certificate.extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        usage = extensions.get_extension_for_class(x509.KeyUsage)
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        self.assertEqual(certificate.issuer, authority.subject)
        self.assertEqual(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value, "worker-1")
        self.assertLessEqual({"localhost", "worker.example"}, set(names.get_values_for_type(x509.DNSName)))
        addresses = {ip_address(each) for each in ("127.0.0.1", "::1", "192.0.2.7")}
        self.assertLessEqual(addresses, set(names.get_values_for_type(x509.IPAddress)))
        self.assertEqual(names.get_values_for_type(x509.UniformResourceIdentifier), [], "nobody asked for an identity")
        self.assertEqual(set(purposes), {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH})
        self.assertTrue(usage.critical and usage.value.digital_signature and usage.value.key_encipherment)
        self.assertFalse(usage.value.key_cert_sign)
        lifetime = certificate.not_valid_after_utc - datetime.now(UTC)
        self.assertTrue(timedelta(days=364) < lifetime <= timedelta(days=365), lifetime)

    def test_mutual_tls(self) -> None:
        """Two components talk by mutual TLS with what ``TLSData`` got them, and each of them to the core."""
        found = json.loads(self.succeed("tlsdata", self.daemon.url, PSK))
        stranger = found.pop("stranger")
        self.assertNotEqual(stranger, "echo\n", "a stranger without a certificate was served")
        self.assertEqual(found.pop("clients"), ["metrics"])
        self.assertEqual((found.pop("server"), found.pop("echo")), ("worker", "echo\n"))
        self.assertEqual(found.pop("signed by CA", True), True)
        self.assertEqual(set(found.values()), {"pong"}, found)
        self.assertEqual(len(found), 4)

    def succeed(self, client: str, *arguments: str) -> str:
        """Run a client that must succeed; return its output."""
        ended = self.environment.run(client, self.environment.package, *arguments, directory=self.directory)
        self.assertEqual(ended.returncode, 0, f"{ended.stderr}\n{self.daemon.output}")
        return ended.stdout

    def fail_with(self, error: str, client: str, *arguments: str) -> None:
        """Run a client that must end with *error*, named as in fixlib."""
        ended = self.environment.run(client, self.environment.package, *arguments, directory=self.directory)
        expected = error.replace("fixlib", self.environment.package)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertTrue(ended.stderr.strip().splitlines()[-1].startswith(expected), ended.stderr)


def load(path: Path) -> x509.Certificate:
    """Read a PEM certificate."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def fingerprint(certificate: x509.Certificate) -> str:
    """Write a certificate's SHA-256 as the originals do."""
    return certificate.fingerprint(SHA256()).hex(":").upper()
