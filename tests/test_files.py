"""Files are whole or not there at all, and private ones are private."""

from __future__ import annotations

import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from pkid.errors import StateError
from pkid.files import PRIVATE, PUBLIC, read_private, read_regular, write_atomically
from tests.support import Case


class FileCase(Case):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).resolve()
        self.directory.mkdir()
        self.path = self.directory / "file"

    def mode(self) -> int:
        return stat.S_IMODE(self.path.stat().st_mode)

    def names(self) -> list[str]:
        return sorted(entry.name for entry in self.directory.iterdir())


class WriteTests(FileCase):
    def test_two_that_write_at_once_write_whole_files_and_the_last_one_stays(self) -> None:
        flush = os.fsync

        def meet(descriptor: int) -> None:
            self.patch(os, "fsync", flush)
            write_atomically(self.path, b"the other's, which is longer", PRIVATE)
            self.assertEqual(self.path.read_bytes(), b"the other's, which is longer")
            flush(descriptor)

        self.patch(os, "fsync", meet)
        write_atomically(self.path, b"the one's", PRIVATE)
        self.assertEqual((self.path.read_bytes(), self.names()), (b"the one's", ["file"]))

    def test_content_and_mode_under_any_umask(self) -> None:
        for umask in (0, 0o022, 0o777):
            before = os.umask(umask)
            try:
                write_atomically(self.path, b"new", PUBLIC)
                self.assertEqual((self.path.read_bytes(), self.mode()), (b"new", 0o644))
                write_atomically(self.path, b"secret", PRIVATE)
                self.assertEqual((self.path.read_bytes(), self.mode()), (b"secret", 0o600))
            finally:
                os.umask(before)
        self.assertEqual(self.names(), ["file"])

    def test_it_is_never_wider_than_asked_not_even_for_a_moment(self) -> None:
        seen: list[int] = []

        def watch(descriptor: int, mode: int) -> None:
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
            assert os.fstat(descriptor).st_nlink == 1

        with patch.object(os, "fchmod", watch):
            write_atomically(self.path, b"secret", PRIVATE)
        self.assertEqual(seen, [0o600])

    def test_content_is_on_the_disk_before_it_has_the_name_and_then_the_name_is(self) -> None:
        calls: list[str] = []
        fsync, replace = os.fsync, Path.replace

        def watch(descriptor: int) -> None:
            calls.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
            fsync(descriptor)

        def rename(path: Path, target: Path) -> Path:
            calls.append(f"rename {path.stat().st_size}")
            return replace(path, target)

        with patch.object(os, "fsync", watch), patch.object(Path, "replace", rename):
            write_atomically(self.path, b"new", PRIVATE)
        self.assertEqual(calls, ["file", "rename 3", "directory"])

    def test_a_failure_at_any_step_leaves_the_old_content_and_nothing_else(self) -> None:
        write_atomically(self.path, b"old", PRIVATE)
        full = OSError(28, "No space left on device")
        for step in ("fchmod", "fsync", "open"):
            with patch.object(os, step, side_effect=full), self.assertRaises(OSError):
                write_atomically(self.path, b"new", PRIVATE)
            self.assertEqual((self.path.read_bytes(), self.names()), (b"old", ["file"]), step)
        with patch.object(Path, "replace", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            write_atomically(self.path, b"new", PRIVATE)
        self.assertEqual((self.path.read_bytes(), self.names()), (b"old", ["file"]))

    def test_a_disk_that_takes_no_more(self) -> None:
        write_atomically(self.path, b"old", PRIVATE)

        def write_too_much() -> int:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
            try:
                write_atomically(self.path, b"x" * 8192, PRIVATE)
            except OSError:
                return 7
            return 1

        self.assertEqual(in_child(write_too_much), 7)
        self.assertEqual((self.path.read_bytes(), self.names()), (b"old", ["file"]))

    def test_a_link_is_replaced_and_not_followed(self) -> None:
        elsewhere = self.directory / "elsewhere"
        elsewhere.write_bytes(b"mine")
        self.path.symlink_to(elsewhere)
        write_atomically(self.path, b"new", PRIVATE)
        self.assertEqual((elsewhere.read_bytes(), self.path.is_symlink()), (b"mine", False))

    def test_a_link_in_place_of_the_new_file_is_not_followed(self) -> None:
        elsewhere = self.directory / "elsewhere"
        elsewhere.write_bytes(b"mine")
        (self.directory / f".file.{bytes(8).hex()}.new").symlink_to(elsewhere)
        with patch("os.urandom", bytes):
            self.assertRaises(OSError, write_atomically, self.path, b"new", PRIVATE)
        self.assertEqual(elsewhere.read_bytes(), b"mine")
        write_atomically(self.path, b"new", PRIVATE)


class ReadTests(FileCase):
    def test_nothing(self) -> None:
        self.assertIsNone(read_private(self.path))

    def test_content(self) -> None:
        write_atomically(self.path, b"\0secret", PRIVATE)
        self.assertEqual(read_private(self.path), b"\0secret")

    def test_a_pipe_is_refused_and_not_waited_for(self) -> None:
        os.mkfifo(self.path, 0o600)
        self.assertIn("regular file", str(self.assertRaises(StateError, read_private, self.path)))

    def test_a_directory_is_refused_and_closed_again(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for read in (read_private, read_regular):
            self.assertRaises(StateError, read, self.directory)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_one_of_another_user_is_refused(self) -> None:
        self.path.write_bytes(b"secret")
        self.path.chmod(0o600)
        for owner in (0, os.geteuid(), os.geteuid() + 1):
            found = os.stat_result((0o100600, 0, 0, 1, owner, 0, 6, 0, 0, 0))
            with patch.object(os, "fstat", lambda _, found=found: found):
                if owner in (0, os.geteuid()):
                    self.assertEqual(read_private(self.path), b"secret")
                else:
                    self.assertIn("another user", str(self.assertRaises(StateError, read_private, self.path)))

    def test_what_others_could_read_is_refused(self) -> None:
        write_atomically(self.path, b"secret", PRIVATE)
        for mode in (0o640, 0o604, 0o620, 0o601, 0o644):
            self.path.chmod(mode)
            error = self.assertRaises(StateError, read_private, self.path)
            self.assertIn(f"its mode is {mode:04o}", str(error))
            self.assertIn("chmod 600", str(error))
        self.path.chmod(0o400)
        self.assertEqual(read_private(self.path), b"secret")

    def test_what_is_no_file(self) -> None:
        self.path.mkdir()
        self.assertEqual(self.assertRaises(StateError, read_private, self.path).path, self.path)

    def test_a_link_to_a_private_file_is_followed(self) -> None:
        write_atomically(self.directory / "elsewhere", b"secret", PRIVATE)
        self.path.symlink_to("elsewhere")
        self.assertEqual(read_private(self.path), b"secret")

    def test_a_link_to_nothing_is_not_nothing(self) -> None:
        for target in ("nowhere", "file"):
            self.path.symlink_to(target)
            self.assertRaises(StateError, read_private, self.path)
            self.path.unlink()


def in_child(work: Callable[[], int]) -> int:
    """Run *work* in a forked process, and return the exit status that it returned."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            status = work()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
