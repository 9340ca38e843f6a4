"""A directory of one certificate: whole sets, the right readers, and nothing of anybody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from unittest.mock import patch

from pkid.errors import StateError
from pkid.installer.parts import ALWAYS, Part
from pkid.installer.sets import Access
from tests.installer.case import DirectoryCase, texts


class InstallTests(DirectoryCase):
    def test_at_first_there_is_nothing(self) -> None:
        directory = self.directory()
        directory.open()
        self.assertEqual((self.seen(), directory.number, directory.read(Part.KEY)), ({}, None, None))
        self.assertFalse(directory.holds({}))

    def test_programs_read_the_newest_set_under_the_names_that_they_are_told(self) -> None:
        directory = self.directory()
        for number, what in enumerate(("first", "second", "third"), start=1):
            directory.install(texts(what))
            self.assertEqual(self.seen(), texts(what))
            self.assertEqual((directory.number, directory.read(Part.KEY)), (number, texts(what)[Part.KEY]))

    def test_no_old_key_stays(self) -> None:
        directory = self.directory()
        directory.install(texts("first"))
        directory.install(texts("second"))
        self.assertEqual(os.listdir(self.path / "sets"), ["2"])

    def test_readers_of_the_key_and_of_the_rest_under_any_umask(self) -> None:
        for umask, mode in ((0, 0o600), (0o777, 0o640)):
            before = os.umask(umask)
            try:
                self.directory(access=Access(mode=mode)).install(texts("any"))
            finally:
                os.umask(before)
            found = {part: stat.S_IMODE((self.path / "live" / part.file_name).stat().st_mode) for part in ALWAYS}
            self.assertEqual(found, dict.fromkeys(ALWAYS, 0o644) | {Part.KEY: mode})
            for folder in (self.path, self.path / "sets", self.path / "live"):
                self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o755)
            self.doCleanups()

    def test_a_directory_of_the_operators_keeps_its_mode(self) -> None:
        self.path.mkdir(mode=0o750)
        self.directory().open()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o750)

    def test_owner_and_group_are_given_to_every_file_and_the_mode_before_the_owner(self) -> None:
        calls: list[tuple[str, int, int]] = []
        fchmod = os.fchmod

        def change(descriptor: int, mode: int) -> None:
            calls.append(("mode", mode, 0))
            fchmod(descriptor, mode)

        with (
            patch.object(os, "fchown", lambda _, user, group: calls.append(("owner", user, group))),
            patch.object(os, "fchmod", change),
        ):
            self.directory(access=Access(1234, 5678, 0o640)).install({Part.KEY: b"key", Part.CERT: b"cert"})
        for mode in (0o640, 0o640, 0o644):  # the first is the rehearsal
            self.assertEqual(calls[:3], [("owner", -1, 5678), ("mode", mode, 0), ("owner", 1234, -1)])
            del calls[:3]
        self.assertEqual(calls, [])

    def test_nobody_else_reads_a_key_even_for_a_moment(self) -> None:
        modes: list[int] = []
        write = os.write

        def watch(descriptor: int, content: bytes) -> int:
            modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
            return write(descriptor, content)

        before = os.umask(0)
        self.addCleanup(os.umask, before)
        with patch.object(os, "write", watch):
            self.directory(access=Access(mode=0o640)).install(texts("any"))
        self.assertEqual(modes, [0o600] * len(ALWAYS))

    def test_what_the_system_refuses_is_told(self) -> None:
        with patch.object(os, "fchown", side_effect=PermissionError(1, "Operation not permitted")):
            with self.assertRaisesRegex(StateError, "Operation not permitted.*only root can give files"):
                self.directory(access=Access(user=1234)).install(texts("any"))

    def test_what_cannot_be_given_to_its_readers_is_known_before_a_certificate_is_asked_for(self) -> None:
        with patch.object(os, "fchown", side_effect=PermissionError(1, "Operation not permitted")):
            refused = self.directory(access=Access(user=1234))
            error = self.assertRaises(StateError, refused.open)
        self.assertIn("only root can give files to other users", str(error))
        refused.close()
        self.directory().open()
        self.assertEqual(list((self.path / "sets").iterdir()), [])

    def test_a_full_disk_leaves_the_set_in_use(self) -> None:
        directory = self.directory()
        directory.install(texts("first"))
        with patch.object(os, "write", lambda *_: 1), self.assertRaisesRegex(StateError, "No space left"):
            directory.install(texts("second"))
        self.assertEqual(self.seen(), texts("first"))


class HoldsTests(DirectoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.held = self.directory()
        self.held.install(texts("any"))

    def test_what_was_installed(self) -> None:
        self.assertTrue(self.held.holds(texts("any")))

    def test_nothing_else(self) -> None:
        self.assertFalse(self.held.holds(texts("other")))
        self.assertFalse(self.held.holds(texts("any") | {Part.COMBINED: b"both"}))
        fewer = texts("any")
        del fewer[Part.CHAIN]
        self.assertFalse(self.held.holds(fewer))

    def test_not_for_other_readers(self) -> None:
        self.held.close()
        for access in (Access(mode=0o640), Access(user=os.geteuid() + 1), Access(group=os.getegid() + 1)):
            self.assertFalse(self.directory(access=access).holds(texts("any")))
        same = Access(os.geteuid(), os.getegid())
        self.assertTrue(self.directory(access=same).holds(texts("any")))


class LinkTests(DirectoryCase):
    def test_links_that_are_gone_come_back(self) -> None:
        directory = self.directory()
        directory.install(texts("any"))
        for link in self.links.values():
            link.unlink()
        directory.open()
        self.assertEqual(self.seen(), texts("any"))

    def test_other_names_take_the_place_of_those_before(self) -> None:
        first = self.directory()
        first.install(texts("any"))
        first.close()
        swapped = {**self.links, Part.KEY: self.path / "ca.pem", Part.CA: self.path / "other.pem"}
        self.directory(swapped).open()
        self.assertEqual(self.seen(swapped), texts("any"))
        self.assertFalse((self.path / "key.pem").is_symlink())

    def test_what_is_somebody_elses_is_not_touched(self) -> None:
        for name in (self.path / "key.pem", self.elsewhere / "server.crt"):
            self.path.mkdir(exist_ok=True)
            name.write_text("mine")
            with self.assertRaisesRegex(StateError, f"{name.name} is there already.*move it away"):
                self.directory().open()
            self.doCleanups()
            self.assertEqual(name.read_text(), "mine")
            name.unlink()
            name.symlink_to("/nowhere")
            self.assertRaisesRegex(StateError, "is there already", self.directory().open)
            self.doCleanups()
            self.assertEqual(os.readlink(name), "/nowhere")
            name.unlink()

    def test_other_files_of_the_directory_stay(self) -> None:
        self.path.mkdir()
        (self.path / "dhparam.pem").write_text("mine")
        (self.path / "mine").symlink_to("/nowhere")
        directory = self.directory()
        directory.install(texts("any"))
        directory.install(texts("other"))
        self.assertEqual((self.path / "dhparam.pem").read_text(), "mine")
        self.assertTrue((self.path / "mine").is_symlink())


class OpenTests(DirectoryCase):
    def test_one_agent_at_a_time(self) -> None:
        first = self.directory()
        first.open()
        first.open()
        self.assertRaisesRegex(StateError, "in use by another agent", self.directory().open)
        first.close()
        self.directory().open()

    def test_what_a_crash_left_is_removed(self) -> None:
        self.path.mkdir()
        (self.path / ".other.pem.new").symlink_to("live/key.pem")
        (self.path / "..hook-done.1.new").write_text("1")
        self.directory().open()
        self.assertEqual({path.name for path in self.path.iterdir() if path.name.endswith(".new")}, set())

    def test_what_only_looks_like_that_is_somebody_elses_and_stays(self) -> None:
        self.path.mkdir()
        (self.path / ".settings.new").write_text("theirs")
        (self.path / ".other.pem.new").symlink_to("elsewhere/key.pem")
        self.directory().open()
        left = {path.name for path in self.path.iterdir() if path.name.endswith(".new")}
        self.assertEqual(left, {".settings.new", ".other.pem.new"})

    def test_a_directory_that_others_can_change_is_refused(self) -> None:
        self.path.mkdir()
        for mode in (0o775, 0o757, 0o1777):
            self.path.chmod(mode)
            self.assertRaisesRegex(StateError, "can be changed by other users", self.directory().open)
        self.path.chmod(0o755)
        with patch.object(os, "geteuid", lambda: 54321), patch.object(Path, "stat", lambda _: _of_user(1000)):
            self.assertRaisesRegex(StateError, "can be changed by other users", self.directory().open)

    def test_what_is_no_directory_is_refused(self) -> None:
        self.path.write_text("mine")
        self.assertRaisesRegex(StateError, "File exists", self.directory().open)


class HookTests(DirectoryCase):
    def test_success_is_remembered_for_one_set(self) -> None:
        directory = self.directory()
        directory.install(texts("first"))
        self.assertIsNone(directory.hook_done)
        directory.set_hook_done(1)
        self.assertEqual(self.directory().hook_done, 1)
        directory.install(texts("second"))
        self.assertEqual((directory.number, directory.hook_done), (2, 1))

    def test_a_number_is_never_used_again(self) -> None:
        directory = self.directory()
        for _ in range(3):
            directory.install(texts("any"))
        directory.set_hook_done(3)
        (self.path / "live").unlink()
        directory.install(texts("any"))
        self.assertEqual(directory.number, 4)

    def test_a_mark_that_is_damaged_counts_for_nothing(self) -> None:
        directory = self.directory()
        directory.install(texts("any"))
        (self.path / ".hook-done").write_bytes(b"\xff one")
        self.assertIsNone(directory.hook_done)


def _of_user(user: int) -> os.stat_result:
    return os.stat_result((0o040755, 0, 0, 1, user, 0, 6, 0, 0, 0))
