"""The file that ArangoDB reads, and its guide; the server itself is not there to be asked."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.daemon import start_daemon
from tests.interop.core import WITH_PSK
from tests.interop.guides import block, create
from tests.support import Case


class ArangoDBTests(Case):
    def test_one_file_holds_the_certificate_and_then_its_key(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        (file,) = create(daemon, folder, "--common-name arangodb.local --dns-names arangodb.local localhost --pem")
        text = file.read_bytes()
        self.assertEqual(file.name, "arangodb.local.pem")
        self.assertTrue(text.startswith(b"-----BEGIN CERTIFICATE-----\n"))
        self.assertTrue(text.endswith(b"-----END RSA PRIVATE KEY-----\n"))
        certificate, key = x509.load_pem_x509_certificate(text), load_pem_private_key(text, None)
        self.assertEqual(certificate.public_key(), key.public_key())
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file)

    def test_the_guide_names_that_file(self) -> None:
        self.assertIn("keyfile = /etc/arangodb3/arangodb.local.pem\n", block("arangodb", "ini"))
