"""Whether the ledger's file is in its place, and can grow."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import Mock, patch

from pkid.errors import Reason, Unavailable
from pkid.store.disk import LedgerFile
from tests.support import Case


class LedgerFileTests(Case):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.path.write_bytes(b"ledger")
        self.file = LedgerFile(self.path)

    def fails(self, problem: str) -> None:
        error = self.assertRaises(Unavailable, self.file.check)
        self.assertIs(error.reason, Reason.SELF_TEST)
        self.assertIn(problem, str(error))

    def test_a_file_in_its_place_with_room_around_it(self) -> None:
        self.file.check()
        self.path.write_bytes(b"more of the same file")
        self.file.check()

    def test_its_size_is_that_of_what_is_merged_and_of_what_is_not(self) -> None:
        self.assertEqual(self.file.size(), 6)
        self.path.with_name(f"{self.path.name}-wal").write_bytes(b"more")
        self.assertEqual(self.file.size(), 10)
        self.path.unlink()
        self.assertEqual(self.file.size(), 4)

    def test_a_file_that_was_removed_or_replaced(self) -> None:
        moved = self.path.rename(self.path.with_suffix(".moved"))
        self.fails("no longer in its place")
        self.path.write_bytes(moved.read_bytes())
        self.fails("no longer in its place")

    def test_a_disk_that_is_nearly_full(self) -> None:
        for blocks, full in ((1023, True), (1024, False)):
            with patch.object(os, "statvfs", Mock(return_value=Mock(f_bavail=blocks, f_frsize=4096))):
                if full:
                    self.fails("nearly full")
                else:
                    self.file.check()
