"""``pkid backup``: what is copied, from whatever is there, and that nothing half is left."""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pkid.errors import StateError
from pkid.shell import backup
from pkid.shell.backup import copy_state, main
from pkid.shell.exits import Exit
from pkid.shell.options import resolve
from pkid.store.sqlite import open_sqlite
from tests.support import Case


class BackupCase(Case):
    """Has a state directory with a ledger that is in use."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.state, self.target = self.folder / "state", self.folder / "backup"
        self.state.mkdir(0o700, parents=True)
        for name in ("ca.pem", "psk", "trust-domain", "decoy-key", "host.pem", "ca.crt", "addresses", "lock"):
            (self.state / name).write_text(f"{name}\n")
        self.engine = open_sqlite(self.state / "ledger.sqlite")
        self.addCleanup(self.engine.dispose)

    def copied(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.target.iterdir()}


class CopyTests(BackupCase):
    def test_what_cannot_be_made_again_is_copied_for_its_owner_only(self) -> None:
        copied = copy_state(self.state, self.target, messages=True)
        self.assertEqual(copied, ["ca.pem", "psk", "trust-domain", "decoy-key", "ledger.sqlite"])
        self.assertEqual(sorted(self.copied()), sorted(copied))
        self.assertEqual(self.copied()["psk"], b"psk\n")
        self.assertEqual(stat.S_IMODE(self.target.stat().st_mode), 0o700)
        self.assertEqual({stat.S_IMODE(path.stat().st_mode) for path in self.target.iterdir()}, {0o600})

    def test_what_is_committed_is_in_the_copy_and_what_is_not_is_not(self) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'kept'")
        with self.engine.connect() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'open'")
            copy_state(self.state, self.target, messages=False)
            connection.rollback()
        with closing(sqlite3.connect(self.target / "ledger.sqlite")) as copy:
            self.assertEqual(copy.execute("SELECT version_num FROM alembic_version").fetchall(), [("kept",)])

    def test_messages_are_copied_if_they_are_wanted(self) -> None:
        with closing(sqlite3.connect(self.state / "messages.sqlite")) as messages:
            messages.execute("CREATE TABLE messages (payload)")
        copy_state(self.state, self.target, messages=False)
        self.assertNotIn("messages.sqlite", self.copied())
        self.target.rename(self.folder / "first")
        copy_state(self.state, self.target, messages=True)
        self.assertIn("messages.sqlite", self.copied())

    def test_a_core_that_does_not_run_is_copied_and_left_as_it_is(self) -> None:
        self.engine.dispose()
        before = {path.name: path.read_bytes() for path in self.state.iterdir()}
        copy_state(self.state, self.target, messages=False)
        self.assertEqual({path.name: path.read_bytes() for path in self.state.iterdir()}, before)


class FailureTests(BackupCase):
    def refused(self, said: str) -> None:
        with self.assertRaisesRegex(StateError, said):
            copy_state(self.state, self.target, messages=False)
        self.assertEqual([path.name for path in self.folder.iterdir() if path.name != "state"], [])

    def test_what_exists_is_never_touched(self) -> None:
        self.target.symlink_to("nowhere")
        with self.assertRaisesRegex(StateError, "exists; name a new directory"):
            copy_state(self.state, self.target, messages=False)
        self.assertTrue(self.target.is_symlink())

    def test_what_is_no_state(self) -> None:
        self.state = self.folder / "none"
        with self.assertRaisesRegex(StateError, "holds no ledger"):
            copy_state(self.state, self.target, messages=False)

    def test_a_ledger_that_is_none(self) -> None:
        self.engine.dispose()
        (self.state / "ledger.sqlite").write_bytes(b"no database" * 1000)
        self.refused("cannot be copied")

    def test_a_ledger_that_is_damaged(self) -> None:
        with _damage("row 1 missing from index"):
            self.refused("is damaged: row 1 missing")

    def test_root_follows_no_link_that_another_user_made(self) -> None:
        (self.state / "decoy-key").unlink()
        (self.state / "decoy-key").symlink_to("/etc/hostname")
        with patch.object(os, "geteuid", return_value=0), patch.object(Path, "stat", _of_another_user):
            self.refused("decoy-key is a link, and root follows none of another user; run this as that user")

    def test_a_full_disk_and_a_core_that_starts_meanwhile(self) -> None:
        with patch.object(backup, "write_atomically", side_effect=OSError(28, "No space left on device")):
            self.refused("No space left on device")
        self.engine.dispose()
        with patch.object(backup, "open_read_only", lambda path: _begin_to_write(path)):
            self.refused("came into use meanwhile; run this again")


class ProgramTests(BackupCase):
    def test_it_says_what_is_in_it(self) -> None:
        options = resolve(["--state", str(self.state)], {})
        with contextlib.redirect_stdout(io.StringIO()) as written:
            self.assertEqual(main([str(self.target)], options), Exit.DONE)
        self.assertEqual(
            written.getvalue(),
            f"{self.target} has ca.pem, psk, trust-domain, decoy-key, ledger.sqlite of {self.state}\n",
        )


def _of_another_user(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
    found = os.stat(path, follow_symlinks=follow_symlinks)
    return os.stat_result((*found[:4], 12345, *found[5:]))


@contextmanager
def _damage(found: str) -> Iterator[None]:
    """Let the check of the copy find something."""
    connect = sqlite3.connect

    class Damaged(sqlite3.Connection):
        def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
            if statement.startswith("PRAGMA quick_check"):
                return super().execute("SELECT ?", (found,))
            return super().execute(statement, values)

    with patch.object(sqlite3, "connect", lambda *path, **how: connect(*path, **how, factory=Damaged)):
        yield


def _begin_to_write(path: Path) -> sqlite3.Connection:
    path.with_name(f"{path.name}-wal").touch()
    return sqlite3.connect(f"file:{path}?immutable=1", uri=True, isolation_level=None)
