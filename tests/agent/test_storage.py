"""What a component keeps: private, whole or not at all, and never silently wrong."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid.agent import Credential, DirectoryStorage, MemoryStorage, Storage
from pkid.ca.keys import KeyType, key_bytes
from pkid.ca.request import read_request
from pkid.errors import StateError
from tests.certificates import NOON, SERIAL, csr_pem, private_key, profile, root
from tests.daemon import CHECKOUT
from tests.support import Case


@cache
def credential(kind: KeyType = KeyType.P256, serial: int = SERIAL) -> Credential:
    """Make a credential with an intermediate, which is any certificate here."""
    approved = profile().check(read_request(csr_pem(private_key(kind), dns=["web.example"])))
    return Credential(private_key(kind), root().sign(approved, NOON, serial), (root().certificate,))


class StorageTests(Case):
    """Both kinds."""

    def storages(self) -> list[Storage]:
        return [MemoryStorage(), DirectoryStorage(Path(self.mktemp()).absolute())]

    def test_at_first_there_is_nothing(self) -> None:
        for storage in self.storages():
            self.assertIsNone(storage.load_authority())
            self.assertIsNone(storage.load_credential())

    def test_what_was_saved_last_is_loaded(self) -> None:
        for storage in self.storages():
            for kind in (KeyType.P256, KeyType.RSA2048, KeyType.ED25519):
                storage.save_authority(root(kind).certificate)
                storage.save_credential(credential(kind))
                loaded = storage.load_credential()
                assert loaded is not None
                self.assertEqual(storage.load_authority(), root(kind).certificate)
                self.assertEqual(key_bytes(loaded.key.public_key()), key_bytes(private_key(kind).public_key()))
                self.assertEqual(loaded.certificate, credential(kind).certificate)
                self.assertEqual(loaded.intermediates, (root().certificate,))


class DirectoryTests(Case):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.storage = DirectoryStorage(self.directory)
        self.authority = self.directory / "ca.crt"
        self.certificate = self.directory / "certificate.pem"

    def save(self) -> None:
        self.storage.save_authority(root().certificate)
        self.storage.save_credential(credential())

    def test_directory_and_files_are_for_their_owner_only(self) -> None:
        mask = os.umask(0)
        self.addCleanup(os.umask, mask)
        self.save()
        modes = [path.stat().st_mode & 0o777 for path in (self.directory, self.authority, self.certificate)]
        self.assertEqual(modes, [0o700, 0o600, 0o600])
        self.assertEqual(sorted(path.name for path in self.directory.iterdir()), ["ca.crt", "certificate.pem"])

    def test_key_and_certificate_share_a_file(self) -> None:
        self.save()
        self.assertEqual(self.certificate.read_bytes(), credential().pem())
        self.assertEqual(self.authority.read_bytes(), root().certificate.public_bytes(Encoding.PEM))

    def test_a_write_that_fails_leaves_the_old_content(self) -> None:
        self.save()
        with patch("pkid.files.os.fsync", side_effect=OSError(28, "No space left on device")):
            with self.assertRaisesRegex(StateError, "certificate.pem cannot be written .No space left"):
                self.storage.save_credential(credential(serial=2**130))
        self.assertEqual(self.certificate.read_bytes(), credential().pem())

    def test_a_directory_that_cannot_be_made_is_told(self) -> None:
        storage = DirectoryStorage(self.directory / "no" / "such")
        self.assertRaisesRegex(StateError, "cannot be written", storage.save_authority, root().certificate)

    def test_files_that_others_could_read_or_write_are_not_believed(self) -> None:
        self.save()
        for path, load in (
            (self.authority, self.storage.load_authority),
            (self.certificate, self.storage.load_credential),
        ):
            for mode in (0o640, 0o602):
                path.chmod(mode)
                self.assertRaisesRegex(StateError, "may be read by others", load)

    def test_files_that_hold_something_else_are_told(self) -> None:
        self.save()
        key, certificate = credential().pem().split(b"-----BEGIN CERTIFICATE", 1)
        for content in (b"", b"\xff", key, b"-----BEGIN CERTIFICATE" + certificate):
            self.certificate.write_bytes(content)
            with self.assertRaisesRegex(
                StateError, "certificate.pem holds no key with its certificate; restore"
            ) as caught:
                self.storage.load_credential()
            self.assertNotIn("PRIVATE", str(caught.exception))
        self.authority.write_bytes(key)
        self.assertRaisesRegex(StateError, "ca.crt holds no CA certificate", self.storage.load_authority)

    def test_the_file_is_named_for_people(self) -> None:
        self.assertEqual(self.storage.place, str(self.authority))


class SharedDirectoryTests(Case):
    def test_processes_that_share_a_directory_find_whole_pairs(self) -> None:
        """Each has its own key, and what the last one saved stays, for whoever starts next."""
        directory = Path(self.mktemp()).absolute()
        kinds = (KeyType.P256, KeyType.ED25519)
        command = [sys.executable, "-m", "tests.agent.sharer", str(directory)]
        sharers = [Popen([*command, kind.value], cwd=CHECKOUT, stdout=PIPE, stderr=STDOUT, text=True) for kind in kinds]
        for sharer in sharers:
            self.addCleanup(sharer.kill)
        self.assertEqual([sharer.communicate()[0] for sharer in sharers], ["done\n"] * len(sharers))
        self.assertEqual({path.name for path in directory.iterdir()}, {"ca.crt", "certificate.pem"})
        left = DirectoryStorage(directory).load_credential()
        assert left is not None
        self.assertEqual(left.key.public_key(), left.certificate.public_key())


class CredentialTests(Case):
    def test_shows_no_key(self) -> None:
        self.assertNotIn("key=", repr(credential()))

    def test_keys_of_other_kinds_are_refused(self) -> None:
        odd = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem = root().certificate.public_bytes(Encoding.PEM)
        self.assertRaisesRegex(ValueError, "of a kind", Credential.read, odd + pem)
