"""Received files: their names, their modes, and all of them or none."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

from pkid.shell import downloads
from pkid.shell.downloads import Downloads, file_name, shown
from pkid.shell.exits import ShellError
from tests.support import Case


def named(disposition: str | None) -> str:
    headers: Message[str, str] = Message()
    if disposition is not None:
        headers["Content-Disposition"] = disposition
    return file_name(headers)


class NameTests(Case):
    def test_plain_names_are_taken_without_their_encoding(self) -> None:
        for written, name in (
            ("a.key", "a.key"),
            ("%2A.a.b.crt", "*.a.b.crt"),
            ("%22x%22", '"x"'),
            ("a%20b", "a b"),
            ("%C3%A9", "\u00e9"),
            ("a..b", "a..b"),
            ("x" * 255, "x" * 255),
        ):
            self.assertEqual(named(f'attachment; filename="{written}"'), name)

    def test_everything_else_is_refused(self) -> None:
        for written in (
            "", ".", "..", ".bashrc", "%2e%2e", "-rf", "a/b", "/etc/passwd", "..%2Fx", "a%5Cb", "a%00b", "a%0Ab",
            "%1B%5B31m", "%E2%80%AEx", "%FF", "%C0%AF", "x" * 256, "%C3%A9" * 128, "~/x",
        ):  # fmt: skip
            with self.assertRaises(ShellError, msg=written) as caught:
                named(f'attachment; filename="{written}"')
            self.assertTrue(str(caught.exception).isprintable())

    def test_a_file_needs_a_name(self) -> None:
        for disposition in (None, "attachment", "attachment; filename=x", "attachment; filename*=UTF-8''x"):
            self.assertRaises(ShellError, named, disposition)

    def test_paths_are_shown_as_they_are_typed(self) -> None:
        self.assertEqual([shown(Path("a")), shown(Path("b/a")), shown(Path("/a"))], ["./a", "./b/a", "/a"])


class StoringTests(Case):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir(0o755)

    def store(self, *files: tuple[str, bytes], force: bool = False) -> list[Path]:
        return Downloads(self.directory, force).store((name, iter([content])) for name, content in files)

    def content(self) -> dict[str, bytes]:
        """Return what is in the directory, hidden files too."""
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}

    def refused(self, words: str, *files: tuple[str, bytes], force: bool = False) -> None:
        before = self.content()
        with self.assertRaisesRegex(ShellError, words):
            self.store(*files, force=force)
        self.assertEqual(self.content(), before)

    def test_files_are_for_their_owner_whatever_the_umask(self) -> None:
        for mask in (0o000, 0o077, 0o777):
            before = os.umask(mask)
            try:
                (path,) = self.store((f"{mask}.key", b"key"))
            finally:
                os.umask(before)
            self.assertEqual(path.stat().st_mode & 0o7777, 0o600)

    def test_all_are_there_under_their_names_and_nothing_else_is(self) -> None:
        paths = self.store(("a.key", b"1"), ("a.crt", b"2"))
        self.assertEqual(paths, [self.directory / "a.key", self.directory / "a.crt"])
        self.assertEqual(self.content(), {"a.key": b"1", "a.crt": b"2"})

    def test_a_file_that_exists_stays_and_its_neighbours_do_not_come(self) -> None:
        self.store(("a.crt", b"old"))
        self.refused(r"a\.crt exists; nothing was stored", ("a.key", b"new"), ("a.crt", b"new"), ("b", b""))

    def test_with_force_it_is_replaced(self) -> None:
        self.store(("a.crt", b"old"))
        (self.directory / "a.crt").chmod(0o644)
        self.store(("a.crt", b"new"), force=True)
        self.assertEqual(self.content(), {"a.crt": b"new"})
        self.assertEqual((self.directory / "a.crt").stat().st_mode & 0o777, 0o600)

    def test_links_are_not_followed(self) -> None:
        target = self.directory.with_name(f"{self.directory.name}.target")
        target.write_bytes(b"old")
        (self.directory / "a").symlink_to(target.absolute())
        with self.assertRaisesRegex(ShellError, "exists"):
            self.store(("a", b"new"))
        self.store(("a", b"new"), force=True)
        self.assertEqual((target.read_bytes(), (self.directory / "a").is_symlink()), (b"old", False))

    def test_a_link_to_nothing_is_in_the_way_too(self) -> None:
        (self.directory / "a").symlink_to("nowhere")
        self.assertRaises(ShellError, self.store, ("a", b"new"))
        self.assertFalse((self.directory / "nowhere").exists())

    def test_one_name_twice_is_refused(self) -> None:
        self.refused("twice", ("a", b"1"), ("a", b"2"))
        self.refused("twice", ("a", b"1"), ("a", b"2"), force=True)

    def test_sizes_and_numbers_have_limits(self) -> None:
        self.patch(downloads, "_LARGEST", 4)
        self.store(("fits", b"1234"))
        self.refused("larger", ("a", b"12345"))
        self.patch(downloads, "_MOST", 2)
        self.refused("more than 2 files", ("a", b""), ("b", b""), ("c", b""))

    def test_when_the_core_breaks_off_nothing_is_left(self) -> None:
        def breaking() -> Iterator[bytes]:
            yield b"half"
            raise ConnectionError("gone")

        with self.assertRaises(ConnectionError):
            Downloads(self.directory).store([("a", [b"whole"]), ("b", breaking())])
        self.assertEqual(self.content(), {})

    def test_without_hard_links_nothing_is_overwritten_either(self) -> None:
        def no_links(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        self.patch(os, "link", no_links)
        self.store(("a", b"1"))
        self.assertEqual(self.content(), {"a": b"1"})
        self.refused("exists", ("b", b"2"), ("a", b"2"))

    def test_a_directory_that_is_none_is_refused(self) -> None:
        for wrong in (self.directory / "none", Path(__file__)):
            with self.assertRaisesRegex(ShellError, "is no directory"):
                Downloads(wrong).store([])

    def test_a_directory_in_the_way_is_told(self) -> None:
        (self.directory / "a").mkdir()
        with self.assertRaisesRegex(ShellError, "exists"):
            self.store(("a", b""))
        with self.assertRaisesRegex(ShellError, "cannot be stored"):
            self.store(("a", b""), force=True)
        self.assertEqual([path.name for path in self.directory.iterdir()], ["a"])
