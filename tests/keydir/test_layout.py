"""What a file's name and content mean."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkid.auth.component_keyring import SharedSecret
from pkid.ca.keys import KeyType, PublicKey, key_bytes
from pkid.errors import Unusable
from pkid.keydir.layout import component_of, read_material
from tests.certificates import private_key
from tests.support import Case

SPKI, PKCS1, PEM, DER = PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1, Encoding.PEM, Encoding.DER
RSA = private_key(KeyType.RSA2048).public_key()
ECDSA = private_key(KeyType.P256).public_key()


class LayoutTests(Case):
    def test_the_name_stands_before_the_extensions(self) -> None:
        for file_name, component in (
            ("alice", "alice"), ("alice.pem", "alice"), ("alice.der", "alice"), ("alice.rsa", "alice"),
            ("alice.rsa.pem", "alice"), ("alice.ecdsa.der", "alice"), ("alice.org", "alice.org"),
            ("alice.org.ecdsa.pem", "alice.org"), ("alice.pem.rsa", "alice.pem"), (".rsa", ".rsa"), (".pem", ".pem"),
        ):  # fmt: skip
            self.assertEqual(component_of(file_name), component)

    def test_keys_in_every_form(self) -> None:
        forms: list[tuple[PublicKey, Encoding, PublicFormat, str]] = [
            (RSA, PEM, SPKI, "rsa.pem"), (RSA, PEM, PKCS1, "rsa.pem"), (RSA, DER, SPKI, "rsa.der"),
            (RSA, DER, PKCS1, "rsa.der"), (ECDSA, PEM, SPKI, "ecdsa.pem"), (ECDSA, DER, SPKI, "ecdsa.der"),
        ]  # fmt: skip
        for key, encoding, form, extension in forms:
            content = key.public_bytes(encoding, form)
            for file_name in (f"alice.{extension}", f"alice.{extension[-3:]}", "alice"):
                material = read_material(file_name, content)
                assert not isinstance(material, SharedSecret)
                self.assertEqual(key_bytes(material), key_bytes(key))  # type: ignore[arg-type]

    def test_a_file_without_extension_may_hold_a_secret_in_its_first_line(self) -> None:
        for content in (b"hush hush", b"hush hush\n", b"hush hush\r\nmore\n"):
            self.assertEqual(read_material("alice", content), SharedSecret("hush hush"))

    def test_a_key_that_is_damaged_is_never_taken_for_a_secret(self) -> None:
        """Its first line is the same in every such file, and all of it is public."""
        pem = ECDSA.public_bytes(PEM, SPKI)
        weak = rsa.generate_private_key(65537, 1024).public_key()
        damaged = [
            pem[:60], pem.replace(b"M", b"N", 1), b"-----BEGIN PUBLIC KEY-----\n", b"\n" + pem[:50],
            ECDSA.public_bytes(DER, SPKI)[:-1], RSA.public_bytes(DER, SPKI)[:100], RSA.public_bytes(DER, PKCS1)[:100],
            private_key(KeyType.ED25519).public_key().public_bytes(DER, SPKI)[:-1],
            weak.public_bytes(PEM, SPKI), weak.public_bytes(DER, SPKI),
        ]  # fmt: skip
        for content in damaged:
            for file_name in ("alice", "alice.pem", "alice.rsa.der"):
                self.assertRaises(Unusable, read_material, file_name, content)

    def test_a_secret_is_one_line_of_text_in_a_file_without_extension(self) -> None:
        for content in (b"", b"\nhush", b"\xff\xfe", b"hush\0", b"\x1b[0m", b"x" * 1025):
            self.assertRaises(Unusable, read_material, "alice", content)
        for file_name in ("alice.pem", "alice.rsa", "alice.ecdsa.der"):
            self.assertRaises(Unusable, read_material, file_name, b"hush hush")

    def test_a_key_is_of_the_kind_that_the_name_says(self) -> None:
        self.assertRaises(Unusable, read_material, "alice.rsa.pem", ECDSA.public_bytes(PEM, SPKI))
        self.assertRaises(Unusable, read_material, "alice.ecdsa", RSA.public_bytes(PEM, SPKI))

    def test_what_is_wrong_is_said_without_the_content(self) -> None:
        error = self.assertRaises(Unusable, read_material, "alice.pem", b"hush hush")
        self.assertNotIn("hush", str(error))
