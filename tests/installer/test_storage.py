"""What a certificate service keeps in files, and what happens when they are not what they should be."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pkid.agent import Credential, MemoryStorage
from pkid.ca.keys import KeyType, key_bytes
from pkid.errors import StateError
from pkid.installer.parts import ALWAYS, Part, pem_of_parts
from pkid.installer.sets import Access
from pkid.installer.storage import InstalledStorage
from tests.agent.test_storage import credential
from tests.certificates import root
from tests.installer.case import DirectoryCase

OTHER_SERIAL = 2**130


class StorageTests(DirectoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.trust = MemoryStorage()
        self.trust.save_authority(root().certificate)

    def storage(self, *more: Part, mode: int = 0o600) -> InstalledStorage:
        self.doCleanups()
        links = self.links | {part: self.path / part.file_name for part in more}
        return InstalledStorage(self.directory(links, Access(mode=mode)), self.trust, [*ALWAYS, *more])

    def same(self, one: Credential | None, other: Credential) -> None:
        assert one is not None
        self.assertEqual(one.certificate, other.certificate)
        self.assertEqual(one.intermediates, other.intermediates)
        self.assertEqual(key_bytes(one.key.public_key()), key_bytes(other.key.public_key()))

    def test_what_was_saved_last_is_loaded(self) -> None:
        self.assertIsNone(self.storage().load_credential())
        for saved in (credential(), credential(KeyType.RSA2048, OTHER_SERIAL), credential(KeyType.ED25519)):
            self.storage().save_credential(saved)
            self.same(self.storage().load_credential(), saved)

    def test_the_authority_is_the_one_of_the_trust(self) -> None:
        storage = self.storage()
        self.assertEqual((storage.load_authority(), storage.place), (root().certificate, "memory"))
        storage.save_authority(root(KeyType.RSA2048).certificate)
        self.assertEqual(self.trust.load_authority(), root(KeyType.RSA2048).certificate)

    def test_a_set_that_is_as_it_should_be_stays(self) -> None:
        storage = self.storage()
        storage.save_credential(credential())
        storage.load_credential()
        self.assertTrue((self.path / "sets" / "1").exists())

    def test_a_set_that_should_be_another_is_written_anew(self) -> None:
        self.storage().save_credential(credential())
        self.same(self.storage(Part.COMBINED, mode=0o640).load_credential(), credential())
        self.assertEqual((self.path / "combined.pem").stat().st_mode & 0o777, 0o640)
        (self.path / "live" / "ca.pem").write_text("changed")
        self.storage().load_credential()
        self.assertEqual(self.seen(), pem_of_parts(credential(), root().certificate, ALWAYS))

    def test_files_that_do_not_hold_what_they_should_are_told(self) -> None:
        self.storage().save_credential(credential())
        key, certificates = (self.path / "live" / name for name in ("key.pem", "fullchain.pem"))
        good = key.read_bytes()
        for path, content in ((key, b""), (certificates, b""), (certificates, good)):
            path.write_bytes(content)
            self.assertRaisesRegex(
                StateError, "does not hold a key and its certificate", self.storage().load_credential
            )
            key.write_bytes(good)
        other = pem_of_parts(credential(KeyType.ED25519), root().certificate, ALWAYS)
        certificates.write_bytes(other[Part.FULLCHAIN])
        self.assertRaisesRegex(StateError, "another one's certificate", self.storage().load_credential)


class PartsTests(DirectoryCase):
    def test_each_file_holds_what_its_name_says(self) -> None:
        given, ca = credential(), root(KeyType.RSA2048).certificate
        texts = pem_of_parts(given, ca, Part)
        leaf, (intermediate,) = given.certificate, given.intermediates
        for part, certificates in {
            Part.KEY: [],
            Part.CERT: [leaf],
            Part.CHAIN: [intermediate, ca],
            Part.FULLCHAIN: [leaf, intermediate],
            Part.CA: [ca],
            Part.COMBINED: [leaf, intermediate],
        }.items():
            found = x509.load_pem_x509_certificates(texts[part]) if certificates else []
            self.assertEqual(found, certificates, part)
            self.assertEqual(b"PRIVATE" in texts[part], part.secret)
        key = load_pem_private_key(texts[Part.KEY], None)
        self.assertEqual(key.public_key(), given.key.public_key())
        self.assertTrue(texts[Part.COMBINED].startswith(texts[Part.KEY]))
