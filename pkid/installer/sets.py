"""Sets of files: a key, its certificate, and what goes with them, each set in a directory of its own with a number.

Knows how a set is written so that it is complete, durable and for its readers only; must not know which one is in use.
Everything here blocks.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pkid.files import PRIVATE, PUBLIC, read_regular, sync_directory
from pkid.installer.parts import Part

__all__ = ["ENTERABLE", "Access", "Sets", "read_number"]

ENTERABLE = 0o755
_LONGEST_NUMBER = 12


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read the files.

    :ivar user: who owns them; ``None`` for the agent's own user.
    :ivar group: likewise.
    :ivar mode: the permissions of those that hold the key; everybody may read the others.
    """

    user: int | None = None
    group: int | None = None
    mode: int = PRIVATE

    def mode_of(self, part: Part) -> int:
        """Return the permissions of one file."""
        return self.mode if part.secret else PUBLIC

    def is_given(self, file: Path, part: Part) -> bool:
        """Tell whether a file is as it should be."""
        found = file.stat()
        return (
            stat.S_IMODE(found.st_mode) == self.mode_of(part)
            and self.user in (None, found.st_uid)
            and self.group in (None, found.st_gid)
        )


class Sets:
    """The sets below one directory."""

    def __init__(self, path: Path, access: Access) -> None:
        self.path = path
        self._access = access

    def numbers(self) -> list[int]:
        """Return the numbers of all sets, complete or not."""
        found = (read_number(entry.name) for entry in self.path.iterdir())
        return [number for number in found if number is not None]

    def write(self, number: int, contents: Mapping[Part, bytes]) -> None:
        """Write a whole new set, durably."""
        target = self.path / str(number)
        target.mkdir()
        target.chmod(ENTERABLE)
        for part, content in contents.items():
            self._write(target / part.file_name, content, self._access.mode_of(part))
        sync_directory(target)
        sync_directory(self.path)

    def rehearse(self) -> None:
        """See that files can be given to another owner, before a certificate is asked for that could not be."""
        if (self._access.user, self._access.group) == (None, None):
            return
        path = self.path / "rehearsal"
        path.unlink(missing_ok=True)
        try:
            self._write(path, b"", self._access.mode)
        finally:
            path.unlink(missing_ok=True)

    def holds(self, number: int, contents: Mapping[Part, bytes]) -> bool:
        """Tell whether a set is exactly this, and for those who may read it."""
        files = {path.name: path for path in (self.path / str(number)).iterdir()}
        return files.keys() == {part.file_name for part in contents} and all(
            read_regular(files[part.file_name]) == content and self._access.is_given(files[part.file_name], part)
            for part, content in contents.items()
        )

    def remove_others(self, number: int | None) -> None:
        """Remove all sets but one: nobody needs an old key."""
        for other in self.numbers():
            if other != number:
                for file in self._files(other):
                    file.unlink()
                (self.path / str(other)).rmdir()

    def _files(self, number: int) -> Iterator[Path]:
        yield from list((self.path / str(number)).iterdir())

    def _write(self, path: Path, content: bytes, mode: int) -> None:
        """Write a new file; nobody can read it before it is as it should be."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, PRIVATE)
        try:
            if os.write(descriptor, content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            # In this order: who gives a file away may not change its mode any more, not even root under systemd.
            if self._access.group is not None:
                os.fchown(descriptor, -1, self._access.group)
            os.fchmod(descriptor, mode)
            if self._access.user is not None:
                os.fchown(descriptor, self._access.user, -1)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_number(name: str) -> int | None:
    """Return the number that a name is, or ``None``."""
    return int(name) if name.isascii() and name.isdigit() and len(name) <= _LONGEST_NUMBER else None
