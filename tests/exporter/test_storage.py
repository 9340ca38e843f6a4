"""Where the exporter keeps things; a CA that was given is not replaced."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from pkid.agent import DirectoryStorage
from pkid.errors import StateError
from pkid.exporter.storage import make_storage
from tests.certificates import root
from tests.support import Case


class GivenAuthorityTests(Case):
    def setUp(self) -> None:
        self.state = Path(self.mktemp())
        self.state.mkdir()
        self.file = self.state / "given.crt"
        self.authority = root().certificate
        self.file.write_bytes(self.authority.public_bytes(Encoding.PEM))
        self.storage = make_storage(self.state, self.file)

    def test_without_one_everything_is_in_the_directory(self) -> None:
        self.assertIsInstance(make_storage(self.state, None), DirectoryStorage)

    def test_it_is_the_one_that_is_trusted(self) -> None:
        self.assertEqual(self.storage.load_authority(), self.authority)
        self.assertEqual(self.storage.place, str(self.file))

    def test_it_is_not_replaced(self) -> None:
        error = self.assertRaises(StateError, self.storage.save_authority, self.authority)
        self.assertIn("is no longer the CA", str(error))
        self.assertIsNone(DirectoryStorage(self.state).load_authority())

    def test_a_file_that_holds_none_or_several(self) -> None:
        for content in (b"", b"nonsense", 2 * self.authority.public_bytes(Encoding.PEM)):
            self.file.write_bytes(content)
            error = self.assertRaises(StateError, self.storage.load_authority)
            self.assertIn("does not hold one certificate", str(error))
        self.file.unlink()
        self.assertRaises(StateError, self.storage.load_authority)

    def test_the_credential_is_in_the_directory(self) -> None:
        self.assertIsNone(self.storage.load_credential())
