"""Certificates and keys in files: who can read them, and what is said when they cannot be used."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid.ca.keys import KeyType, key_bytes
from pkid.errors import StateError
from pkid.x509 import load_cert_from_file, load_key_from_file, write_cert_to_file, write_key_to_file
from tests.certificates import authority, private_key, root
from tests.support import Case


class FileCase(Case):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir(parents=True)
        self.path = self.directory / "file.pem"
        self.addCleanup(os.umask, os.umask(0))

    def mode(self) -> int:
        return self.path.stat().st_mode & 0o777


class CertificateTests(FileCase):
    def test_what_is_written_is_read(self) -> None:
        write_cert_to_file(cert=root().certificate, cert_path=str(self.path))
        self.assertEqual(load_cert_from_file(self.path), root().certificate)
        self.assertEqual(self.path.read_bytes(), root().certificate.public_bytes(Encoding.PEM))
        self.assertEqual(self.mode(), 0o644)

    def test_intermediates_stand_after_it(self) -> None:
        issuer = authority("CN=below", authority("CN=above"))
        write_cert_to_file(root().certificate, self.path, issuer.intermediates)
        found = x509.load_pem_x509_certificates(self.path.read_bytes())
        self.assertEqual(found, [root().certificate, *issuer.intermediates])

    def test_an_unusable_file_is_named(self) -> None:
        self.path.write_text("nothing")
        for path, problem in ((self.path, "no PEM certificate"), (self.directory, "cannot be read")):
            with self.assertRaisesRegex(StateError, problem) as caught:
                load_cert_from_file(path)
            self.assertEqual(caught.exception.path, path)

    def test_a_file_that_cannot_be_written_is_named(self) -> None:
        path = self.directory / "none" / "file.pem"
        with self.assertRaisesRegex(StateError, "cannot be written .No such file or directory.") as caught:
            write_cert_to_file(root().certificate, path)
        self.assertEqual(caught.exception.path, path)


class KeyTests(FileCase):
    def test_what_is_written_is_read(self) -> None:
        for kind in (KeyType.P256, KeyType.RSA2048, KeyType.ED25519):
            write_key_to_file(key=private_key(kind), key_path=str(self.path))
            loaded = load_key_from_file(self.path)
            self.assertEqual(key_bytes(loaded.public_key()), key_bytes(private_key(kind).public_key()))

    def test_only_its_owner_can_read_it_even_where_others_could_before(self) -> None:
        self.path.write_text("older")
        self.path.chmod(0o666)
        write_key_to_file(private_key(), self.path)
        self.assertEqual(self.mode(), 0o600)
        self.assertEqual([entry.name for entry in self.directory.iterdir()], ["file.pem"])

    def test_tls_takes_the_pair(self) -> None:
        issuer = root()
        write_cert_to_file(issuer.certificate, self.path)
        write_key_to_file(issuer.key, self.directory / "key.pem", "passphrase")
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.path, self.directory / "key.pem", "passphrase")

    def test_a_passphrase_encrypts_it(self) -> None:
        write_key_to_file(private_key(), self.path, passphrase="a passphrase")
        self.assertIn(b"BEGIN ENCRYPTED PRIVATE KEY", self.path.read_bytes())
        loaded = load_key_from_file(self.path, "a passphrase")
        self.assertEqual(key_bytes(loaded.public_key()), key_bytes(private_key().public_key()))
        for passphrase, problem in ((None, "holds an encrypted key"), ("other phrase", "cannot be decrypted")):
            with self.assertRaisesRegex(StateError, problem) as caught:
                load_key_from_file(self.path, passphrase)
            self.assertNotIn("phrase", str(caught.exception).replace("passphrase", ""))

    def test_an_empty_passphrase_writes_nothing(self) -> None:
        self.assertRaises(ValueError, write_key_to_file, private_key(), self.path, "")
        self.assertFalse(self.path.exists())

    def test_a_passphrase_for_a_plain_key_is_not_used(self) -> None:
        write_key_to_file(private_key(), self.path)
        load_key_from_file(self.path, "a passphrase")

    def test_an_unusable_file_is_named(self) -> None:
        other = self.directory / "other.pem"
        other.write_bytes(Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        write_cert_to_file(root().certificate, self.path)
        for path, problem in (
            (self.path, "no PEM private key"),
            (other, "of a kind that pkid does not use"),
            (self.directory, "cannot be read"),
        ):
            with self.assertRaisesRegex(StateError, problem) as caught:
                load_key_from_file(path)
            self.assertEqual(caught.exception.path, path)
