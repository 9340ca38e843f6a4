"""A directory in which one certificate stands with its key, always as one whole set.

====================  ==========================================================================
``sets/NUMBER/``      one set: a file for each part; it is complete before anything leads to it
``live``              a link to the set in use; a renewal replaces this link, in one step
``key.pem``, ...      links through ``live``: the names that programs are told
``.hook-done``        the number of the set that the hook has succeeded for
====================  ==========================================================================

So there is no instant at which a name leads to half a file, or one name to an old set and another to a new one; a
program that opens two names, one after the other, can still meet the change between them. Must not know what is in the
files. Everything here blocks.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pkid.errors import StateError
from pkid.files import PUBLIC, read_regular, sync_directory, write_atomically
from pkid.installer.links import remove_other_links, replace_link, set_link
from pkid.installer.parts import Part
from pkid.installer.sets import ENTERABLE, Access, Sets, read_number

__all__ = ["CertificateDirectory"]

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class CertificateDirectory:
    """The directory of one certificate.

    :param links: the names that programs are told, absolute; in the directory itself, or elsewhere.
    """

    def __init__(self, path: Path, links: Mapping[Part, Path], access: Access) -> None:
        self.path = path
        self._links = links
        self._live = path / "live"
        self._sets = Sets(path / "sets", access)
        self._hook_done = path / ".hook-done"
        self._lock: int | None = None

    def open(self) -> None:
        """Make the directory if there is none, keep other agents away, remove what a crash left, and set the links.

        Again is harmless, and brings back links that are gone.

        :raises StateError: when it cannot be used.
        """
        with self._in_plain_words():
            _make(self.path)
            self._check()
            first = self._lock is None
            if self._lock is None:
                self._lock = self._take_lock()
            _make(self._sets.path)
            self._sets.remove_others(self.number)
            if first:
                self._sets.rehearse()
            remove_other_links(self.path, "live/", self._links.values())
            for left in self.path.glob(f".{self._hook_done.name}.*.new"):
                left.unlink()
            for part, path in self._links.items():
                inside = path.parent == self.path
                live = "live/" if inside else f"{self._live}/"
                set_link(path, live + part.file_name, live)

    def close(self) -> None:
        """Let another agent use it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def number(self) -> int | None:
        """The number of the set in use; ``None`` before there is one."""
        return read_number(os.readlink(self._live).rpartition("/")[2]) if self._live.is_symlink() else None

    def read(self, part: Part) -> bytes | None:
        """Return the content of a file of the set in use; ``None`` when there is none.

        :raises StateError: when it cannot be read.
        """
        path = self._live / part.file_name
        with self._in_plain_words():
            return read_regular(path) if path.exists() else None

    def holds(self, contents: Mapping[Part, bytes]) -> bool:
        """Tell whether the set in use is exactly this, and for those who may read it.

        :raises StateError: when it cannot be read.
        """
        number = self.number
        with self._in_plain_words():
            return number is not None and self._live.exists() and self._sets.holds(number, contents)

    def install(self, contents: Mapping[Part, bytes]) -> None:
        """Put a new set in the place of the one in use, or leave that as it is.

        :raises StateError: when it does not work.
        """
        self.open()
        with self._in_plain_words():
            number = 1 + max(self.number or 0, self.hook_done or 0)
            self._sets.write(number, contents)
            replace_link(self._live, f"{self._sets.path.name}/{number}")
            self._sets.remove_others(number)

    @property
    def hook_done(self) -> int | None:
        """The number of the set that the hook has succeeded for, if there is one.

        :raises StateError: when that cannot be read.
        """
        if not self._hook_done.exists():
            return None
        return read_number(read_regular(self._hook_done).decode(errors="replace").strip())

    def set_hook_done(self, number: int) -> None:
        """Remember that the hook has succeeded for a set.

        :raises StateError: when that does not work.
        """
        with self._in_plain_words():
            write_atomically(self._hook_done, f"{number}\n".encode(), PUBLIC)

    def _check(self) -> None:
        found = self.path.stat()
        if found.st_uid not in (os.geteuid(), 0) or found.st_mode & _OTHERS_WRITE:
            raise StateError(
                self.path, "can be changed by other users", "run chown and chmod go-w on it, or choose another one"
            )

    def _take_lock(self) -> int:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StateError(self.path, "is in use by another agent", "stop that one, or choose another one") from None
        return descriptor

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        """Turn what the system says into an error for people."""
        try:
            yield
        except OSError as error:
            remedy = "see that the agent's user may do that there; only root can give files to other users"
            raise StateError(error.filename or self.path, f"cannot be used ({error.strerror})", remedy) from None


def _make(path: Path) -> None:
    """Make a directory that everybody can enter, whatever the umask says; the files in it protect themselves."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(ENTERABLE)
        sync_directory(path.parent)
