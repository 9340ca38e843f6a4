"""Keys and certificates as text: every form that is met, and what is said of those that cannot be used."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from pkid.ca.keys import KeyType, PrivateKey, key_bytes
from pkid.ca.pem import (
    LONGEST_PASSPHRASE,
    WrongPassphrase,
    is_encrypted,
    read_certificates,
    read_key,
    replace_key,
    write_certificates,
    write_key,
)
from pkid.errors import Unusable
from tests.ca.der import oid
from tests.certificates import private_key, root
from tests.support import Case, require_program

PASSPHRASE = "open sesame, \u00e9"
CERTIFICATE = root().certificate.public_bytes(Encoding.PEM)


def written(key: PrivateKey, form: PrivateFormat, protection: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, form, protection or NoEncryption())


class PemCase(Case):
    def same(self, one: PrivateKey, other: PrivateKey) -> None:
        self.assertEqual(key_bytes(one.public_key()), key_bytes(other.public_key()))

    def refused(self, content: bytes, *words: str, passphrase: str | None = None) -> None:
        with self.assertRaises(Unusable) as caught:
            read_key(content, passphrase)
        for word in words:
            self.assertIn(word, str(caught.exception))
        if passphrase:
            self.assertNotIn(passphrase, str(caught.exception))


class KeyTests(PemCase):
    def test_plain_and_encrypted_in_every_form(self) -> None:
        protection = BestAvailableEncryption(PASSPHRASE.encode())
        for kind, form in (
            (KeyType.P256, PrivateFormat.PKCS8),
            (KeyType.P256, PrivateFormat.TraditionalOpenSSL),
            (KeyType.RSA2048, PrivateFormat.PKCS8),
            (KeyType.RSA2048, PrivateFormat.TraditionalOpenSSL),
            (KeyType.ED25519, PrivateFormat.PKCS8),
        ):
            plain, encrypted = written(private_key(kind), form), written(private_key(kind), form, protection)
            self.same(read_key(plain), private_key(kind))
            self.same(read_key(plain, "not needed"), private_key(kind))
            self.same(read_key(encrypted, PASSPHRASE), private_key(kind))
            self.assertEqual((is_encrypted(plain), is_encrypted(encrypted)), (False, True))
            for passphrase in (None, ""):
                self.refused(encrypted, "holds an encrypted key", "give its passphrase", passphrase=passphrase)
            with self.assertRaises(WrongPassphrase):
                read_key(encrypted, "Open sesame")
            self.refused(encrypted, "cannot be decrypted", passphrase="Open sesame")

    def test_what_openssl_writes(self) -> None:
        openssl = require_program("openssl")
        directory = Path(self.mktemp())
        directory.mkdir()
        plain = directory / "plain"
        plain.write_bytes(write_key(private_key(KeyType.RSA2048)))
        for words in (
            ("pkcs8", "-topk8", "-passout", "pass:x"),
            ("pkcs8", "-topk8", "-scrypt", "-passout", "pass:x"),
            ("rsa", "-traditional", "-aes256", "-passout", "pass:x"),
            ("rsa", "-traditional", "-des3", "-passout", "pass:x"),
        ):
            done = subprocess.run([openssl, *words, "-in", str(plain)], capture_output=True, check=True, timeout=60)
            self.same(read_key(done.stdout, "x"), private_key(KeyType.RSA2048))
        words = ("rsa", "-traditional", "-aes192", "-passout", "pass:x")
        done = subprocess.run([openssl, *words, "-in", str(plain)], capture_output=True, check=True, timeout=60)
        self.refused(done.stdout, "encrypted in a way that pkid does not read", "pkcs8 -topk8", passphrase="x")

    def test_it_may_share_a_text_with_certificates(self) -> None:
        key = write_key(private_key())
        for content in (key + CERTIFICATE, CERTIFICATE + key, b"notes\n" + CERTIFICATE + key + CERTIFICATE):
            self.same(read_key(content), private_key())

    def test_what_is_none(self) -> None:
        for content in (b"", b"nonsense", CERTIFICATE, write_key(private_key())[:-40]):
            self.refused(content, "holds no PEM private key")
            self.assertFalse(is_encrypted(content))
        other = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.refused(other, "of a kind that pkid does not use", "P-256")

    def test_passphrases_that_cannot_be(self) -> None:
        write_key(private_key(), "x" * LONGEST_PASSPHRASE)
        for passphrase in ("", "x" * (LONGEST_PASSPHRASE + 1)):
            self.assertRaises(ValueError, write_key, private_key(), passphrase)


class ReplaceTests(PemCase):
    def test_everything_else_stays(self) -> None:
        other, new = CERTIFICATE + b"notes - and dashes\n", write_key(private_key(owner="new"), PASSPHRASE)
        for protection in (None, BestAvailableEncryption(b"x")):
            for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
                old = written(private_key(), form, protection)
                for before, after in ((b"", other), (other, b""), (other, other)):
                    self.assertEqual(replace_key(before + old + after, new), before + new + after)

    def test_whatever_the_ends_of_line(self) -> None:
        old, new = write_key(private_key()), write_key(private_key(owner="new"))
        self.assertEqual(replace_key(old.replace(b"\n", b"\r\n") + b"x", new), new + b"x")
        self.assertEqual(replace_key(old.rstrip(), new), new)

    def test_no_key_is_left_behind(self) -> None:
        other = b"-----BEGIN OTHER PRIVATE KEY-----\nAAAA\n-----END OTHER PRIVATE KEY-----\n"
        for content in (CERTIFICATE, write_key(private_key()) * 2, other + write_key(private_key())):
            self.assertRaises(Unusable, replace_key, content, b"")


class CertificatesTests(Case):
    def test_all_of_a_text_in_order(self) -> None:
        certificates = (root().certificate, root(KeyType.ED25519).certificate)
        text = b"notes\n" + write_key(private_key()) + write_certificates(certificates)
        self.assertEqual(read_certificates(text), certificates)

    def test_what_is_none(self) -> None:
        broken = root().certificate.public_bytes(Encoding.DER).replace(oid("2.5.29.15"), oid("2.5.29.19"))
        twice = x509.load_der_x509_certificate(broken).public_bytes(Encoding.PEM)
        for content, words in (
            (b"", "holds no PEM certificate"),
            (write_key(private_key()), "holds no PEM certificate"),
            (CERTIFICATE.replace(b"MII", b"MIJ"), "cannot be read"),
            (CERTIFICATE + twice, "cannot be read"),
        ):
            with self.assertRaises(Unusable) as caught:
                read_certificates(content)
            self.assertIn(words, str(caught.exception))
