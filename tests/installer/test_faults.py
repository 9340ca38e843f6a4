"""Death and errors at every single step of a write: what programs read is the old set or the new one, always whole."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pkid.errors import StateError
from pkid.installer.parts import ALWAYS, Part
from tests.installer.case import DirectoryCase, texts

STEPS = (
    "chmod", "close", "fchmod", "fchown", "fsync", "ftruncate", "link", "mkdir", "open", "rename", "replace", "rmdir",
    "symlink", "truncate", "unlink", "write",
)  # fmt: skip
"""Everything by which a directory is changed, or made durable."""

Act = Callable[[str, tuple[Any, ...]], None]


@contextmanager
def before_each_step(act: Act) -> Iterator[None]:
    """Do something before every call of the system that changes a file; the disk itself is not waited for."""
    calls = {name: getattr(os, name) for name in STEPS} | {"fsync": lambda _: None}
    with ExitStack() as patches:
        for name, call in calls.items():
            patches.enter_context(patch.object(os, name, _watched(name, call, act)))
        yield


def _watched(name: str, call: Callable[..., Any], act: Act) -> Callable[..., Any]:
    def watched(*arguments: Any, **options: Any) -> Any:
        act(name, arguments)
        return call(*arguments, **options)

    return watched


class FaultCase(DirectoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.base = self.root

    def fresh(self, name: str, first: bool) -> None:
        """Have a new directory, with a set in it unless this is to be the first."""
        self.root = self.base / name
        self.elsewhere = self.root / "elsewhere"
        self.elsewhere.mkdir(parents=True)
        self.path = self.root / "web"
        self.links = {part: self.path / part.file_name for part in ALWAYS} | {Part.CERT: self.elsewhere / "server.crt"}
        if not first:
            self.install_quickly("old")

    def install_quickly(self, what: str) -> None:
        """Install without waiting for the disk, where that is not what is tested."""
        with patch.object(os, "fsync"):
            self.install(what)

    def install(self, what: str) -> None:
        directory = self.directory()
        directory.install(texts(what))
        directory.close()

    def steps(self, first: bool) -> list[str]:
        """Return the steps of one write."""
        self.fresh(f"count-{first}", first)
        names: list[str] = []
        with before_each_step(lambda name, _: names.append(name)):
            self.install("new")
        return names

    def check(self, first: bool, where: str) -> bool:
        """Check that all that programs see is old, or all is new; return which. Then check that the agent goes on."""
        seen = self.seen()
        self.assertIn(seen, [{} if first else texts("old"), texts("new")], where)
        self.install_quickly("next")
        self.assertEqual(self.seen(), texts("next"), where)
        names = {path.name for path in self.path.iterdir()} - {"live", "sets"}
        self.assertEqual(names, {path.name for path in self.links.values() if path.parent == self.path}, where)
        self.assertEqual([path.name for path in self.elsewhere.iterdir()], ["server.crt"], where)
        self.assertEqual(len(os.listdir(self.path / "sets")), 1, where)
        return seen == texts("new")


class DeathTests(FaultCase):
    def test_at_any_instant(self) -> None:
        for first in (True, False):
            steps = self.steps(first)
            self.assertGreater(len(steps), 40)
            ends = [self.die(number, name, first) for number, name in enumerate(steps)]
            self.assertEqual(ends, sorted(ends), "once programs see the new set, they never see the old one again")
            self.assertEqual((ends[0], ends[-1]), (False, True))

    def die(self, number: int, name: str, first: bool) -> bool:
        """End the process at a step, in the middle of it if it is a write; return whether programs see the new set."""
        where = f"step {number}, {name}"
        self.fresh(f"{first}-{number}", first)
        child = os.fork()
        if child == 0:
            try:
                self.install_until(number)
            finally:
                os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 9, where)
        return self.check(first, where)

    def install_until(self, last: int) -> None:
        left = last
        write = os.write

        def end(name: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if left == 0:
                if name == "write":
                    write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os._exit(9)
            left -= 1

        with before_each_step(end):
            self.install("new")


class ErrorTests(FaultCase):
    def test_at_any_step(self) -> None:
        for first in (True, False):
            for number, name in enumerate(self.steps(first)):
                if name == "close":
                    continue  # its errors come after those of fsync, and tell nothing new
                self.fresh(f"{first}-{number}", first)
                left = number

                def fail(step: str, _: object) -> None:
                    nonlocal left
                    left -= 1
                    if left == -1:
                        raise OSError(errno.EIO, os.strerror(errno.EIO))

                with before_each_step(fail), self.assertRaisesRegex(StateError, "Input/output error"):
                    self.install("new")
                self.doCleanups()
                self.check(first, f"step {number}, {name}")


class PowerTests(FaultCase):
    def test_all_of_a_set_is_on_the_disk_before_anything_leads_to_it(self) -> None:
        for first in (True, False):
            self.fresh(f"power-{first}", first)
            changed, synced = self.watch()
            self.assertLessEqual(changed, synced)

    def watch(self) -> tuple[set[Path], set[Path]]:
        """Return what had changed when the new set came into use, and what of it was durable."""
        changed: set[Path] = set()
        synced: set[Path] = set()
        at_swap: list[tuple[set[Path], set[Path]]] = []

        def note(name: str, arguments: tuple[Any, ...]) -> None:
            path = Path(os.readlink(f"/proc/self/fd/{arguments[0]}")) if name in {"write", "fsync"} else None
            if name == "replace" and Path(arguments[1]).name == "live":
                at_swap.append((set(changed), set(synced)))
            elif name == "fsync" and path is not None:
                synced.add(path)
            elif name == "write" and path is not None:
                changed.add(path)
            elif name == "mkdir":
                changed.add(Path(arguments[0]).parent)
                changed.add(Path(arguments[0]))
            elif name == "open" and arguments[1] & os.O_CREAT:
                changed.add(Path(arguments[0]).parent)

        with before_each_step(note):
            self.install("new")
        ((before, durable),) = at_swap
        self.assertTrue(any(stat.S_ISREG(path.stat().st_mode) for path in before))
        return before, durable
