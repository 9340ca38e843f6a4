"""A component's own credential in files."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pkid.auth.own_credential import OwnKey, OwnPassword
from pkid.ca.keys import KeyType, key_bytes
from pkid.ca.pem import write_key
from pkid.credential_files import find_credential, read_credential
from pkid.errors import Refused, StateError
from tests.certificates import private_key
from tests.support import Case

KEY = private_key()
PUBLIC_FORMS = (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1)


class FileCase(Case):
    def setUp(self) -> None:
        self.home = Path(self.mktemp())
        self.home.mkdir(parents=True)

    def write(self, name: str, content: bytes, mode: int = 0o600) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def find(self, component: str, **environ: str) -> OwnKey | OwnPassword | None:
        return find_credential(component, environ or {"REMBUS_DIR": str(self.home)})


class FindTests(FileCase):
    """Where the seeds' components have theirs."""

    def test_a_key_or_a_password_is_found_under_the_name(self) -> None:
        self.write("keys/alice", write_key(KEY))
        self.write("keys/bob", b"correct horse\n")
        self.write("carol/.secret", b"battery staple\r\n")
        found = self.find("alice")
        assert isinstance(found, OwnKey)
        self.assertEqual(key_bytes(found.key.public_key()), key_bytes(KEY.public_key()))
        self.assertEqual(self.find("bob"), OwnPassword("correct horse"))
        self.assertEqual(self.find("carol"), OwnPassword("battery staple"))
        self.assertIsNone(self.find("dave"))

    def test_the_directory_is_below_the_home_directory_if_it_is_not_set(self) -> None:
        self.write(".config/rembus/keys/alice", b"correct horse")
        for environ in ({"HOME": str(self.home)}, {"HOME": str(self.home), "REMBUS_DIR": ""}):
            self.assertEqual(self.find("alice", **environ), OwnPassword("correct horse"))

    def test_no_path_is_made_of_what_is_no_name(self) -> None:
        self.write("secret", b"not yours")
        (self.home / "keys").mkdir()
        for name in ("../secret", "..", ".", "", "a/b", str(self.home / "secret"), "a\0b", "a\nb", "ä"):
            self.assertRaises(Refused, self.find, name)

    def test_a_file_that_others_can_read_is_refused_by_its_name(self) -> None:
        path = self.write("keys/alice", b"correct horse", 0o640)
        with self.assertRaises(StateError) as caught:
            self.find("alice")
        self.assertIn(str(path), str(caught.exception))
        self.assertIn("chmod 600", str(caught.exception))


class ReadTests(FileCase):
    """What a file may hold."""

    def refused(self, content: bytes, passphrase: str | None = None) -> str:
        with self.assertRaises(StateError) as caught:
            read_credential(self.write("credential", content), passphrase)
        return str(caught.exception)

    def test_every_kind_of_key_is_read_in_every_form(self) -> None:
        for kind in (KeyType.RSA2048, KeyType.P256, KeyType.P384):
            key = kind.generate()
            for form in (PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8):
                pem = key.private_bytes(Encoding.PEM, form, NoEncryption())
                self.assertIsInstance(read_credential(self.write("credential", pem)), OwnKey)
        pem = write_key(KeyType.ED25519.generate())
        self.assertIsInstance(read_credential(self.write("credential", b"\n" + pem)), OwnKey)

    def test_an_encrypted_key_needs_its_passphrase(self) -> None:
        pem = write_key(KEY, "correct horse")
        self.assertIsInstance(read_credential(self.write("credential", pem), "correct horse"), OwnKey)
        for passphrase in (None, "wrong"):
            self.assertIn("passphrase", self.refused(pem, passphrase))

    def test_a_public_key_is_no_password(self) -> None:
        rsa = KeyType.RSA2048.generate().public_key()
        for key, form in ((KEY.public_key(), PUBLIC_FORMS[0]), (rsa, PUBLIC_FORMS[0]), (rsa, PUBLIC_FORMS[1])):
            self.assertIn("no PEM private key", self.refused(key.public_bytes(Encoding.PEM, form)))
        self.assertIn("no PEM private key", self.refused(b"-----BEGIN PUBLIC KEY-----\n"))
        self.refused(b"\n -----BEGIN PUBLIC KEY-----\n")

    def test_a_weak_key_is_refused(self) -> None:
        self.assertIn("secp256k1", self.refused(write_key(ec.generate_private_key(ec.SECP256K1()))))

    def test_a_password_is_one_line_of_printable_ascii(self) -> None:
        for content in (b"", b"\n", b"two\nlines", "pässword".encode(), b"bell\a", b"\x30\x82\x04\xa2"):
            shown = self.refused(content)
            self.assertIn("one line of printable ASCII", shown)
            self.assertNotIn("lines;", shown)

    def test_a_file_that_is_not_there_is_told(self) -> None:
        with self.assertRaises(StateError):
            read_credential(self.home / "missing")

    def test_a_refusal_repeats_nothing_of_the_file(self) -> None:
        self.assertNotIn("hunter2", self.refused(b"hunter2\nhunter2"))
