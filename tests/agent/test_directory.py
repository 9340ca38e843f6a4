"""The state directory of an agent or exporter."""

from __future__ import annotations

from pathlib import Path

from pkid.agent.directory import ComponentDirectory
from pkid.errors import StateError
from tests.support import Case


class DirectoryTests(Case):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute() / "a" / "state"

    def directory(self) -> ComponentDirectory:
        directory = ComponentDirectory(self.path)
        self.addCleanup(directory.close)
        return directory

    def test_it_is_made_for_its_owner_only(self) -> None:
        directory = self.directory()
        directory.open()
        directory.open()
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o700)

    def test_it_is_for_one_program_at_a_time(self) -> None:
        first, second = self.directory(), self.directory()
        first.open()
        for _ in range(2):
            self.assertRaisesRegex(StateError, "in use by another agent or exporter; stop that one", second.open)
        first.close()
        second.open()

    def test_a_cores_is_refused(self) -> None:
        self.path.mkdir(parents=True)
        for name in ("ca.pem", "ledger.sqlite"):
            (self.path / name).touch()
            self.assertRaisesRegex(StateError, "belongs to a core", self.directory().open)
            (self.path / name).unlink()

    def test_one_that_cannot_be_used(self) -> None:
        self.path.parent.mkdir(parents=True)
        self.path.touch()
        self.assertRaisesRegex(StateError, "cannot be used", self.directory().open)
