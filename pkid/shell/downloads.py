"""Files that a core sends: each under a plain name in one directory, private, whole, and never over another one.

What the core says of a file is a stranger's word: its name is checked, and a path beside it is not looked at.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import Message
from pathlib import Path
from urllib.parse import unquote_to_bytes

from pkid.files import PRIVATE
from pkid.shell.exits import ShellError

__all__ = ["Downloads", "file_name", "shown"]

_LARGEST = 64 << 20  # bytes of one file
_MOST = 256  # files that are stored together
_LONGEST_NAME = 255  # bytes
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK)
"""What file systems say that have no hard links."""
_FILE_NAME = re.compile(r'(?:^|;)[ \t]*filename="([^"]*)"', re.IGNORECASE)


def file_name(headers: Message[str, str]) -> str:
    """Return the plain name that the headers of a file give it.

    :raises ShellError: when there is none, or it could be anything else than a plain name.
    """
    found = _FILE_NAME.search(headers.get("Content-Disposition") or "")
    encoded = unquote_to_bytes(found[1]) if found else b""
    name = encoded.decode("utf-8", "replace")
    plain = name.isprintable() and "\ufffd" not in name and not name.startswith((".", "-"))
    if not name or not plain or "/" in name or "\\" in name or len(encoded) > _LONGEST_NAME:
        shown = ascii(name if len(name) < 100 else f"{name[:100]}...")
        raise ShellError(f"the core sent a file with a name that is not plain ({shown}); nothing was stored")
    return name


class Downloads:
    """The directory for received files.

    :param force: whether they may take the place of others.
    """

    def __init__(self, directory: Path, force: bool = False) -> None:
        self._directory = directory
        self._force = force

    def store(self, files: Iterable[tuple[str, Iterable[bytes]]]) -> list[Path]:
        """Take in files, plain names and contents, and return where they are; all of them are stored, or none.

        :raises ShellError: when they cannot be stored; what was there before is there still.
        """
        with self._opened() as directory:
            received: dict[str, str] = {}  # names, and what the files are called until all are there
            try:
                for name, pieces in files:
                    if name in received or len(received) == _MOST:
                        raise ShellError(f"the core sent {name} twice, or more than {_MOST} files; nothing was stored")
                    received[name] = f".pkid.{os.urandom(8).hex()}.new"
                    self._receive(name, pieces, received[name], directory)
                self._name_all(received, directory)
            finally:
                for temporary in received.values():
                    with suppress(OSError):
                        os.unlink(temporary, dir_fd=directory)
        return [self._directory / name for name in received]

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ShellError(f"{self._directory} is no directory for received files ({error.strerror})") from None
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _receive(self, name: str, pieces: Iterable[bytes], temporary: str, directory: int) -> None:
        size = 0
        with self._explained(name):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(temporary, flags, PRIVATE, dir_fd=directory)
        with open(descriptor, "wb", buffering=0) as file:
            os.fchmod(descriptor, PRIVATE)
            for piece in pieces:
                size += len(piece)
                if size > _LARGEST:
                    raise ShellError(f"{name} is larger than {_LARGEST >> 20} MiB; nothing was stored")
                with self._explained(name):
                    file.write(piece)
            with self._explained(name):
                os.fsync(descriptor)

    def _name_all(self, received: Mapping[str, str], directory: int) -> None:
        """Give the files their names; take those back that have got them when one cannot."""
        done: list[str] = []
        try:
            for name, temporary in received.items():
                with self._explained(name):
                    self._name(name, temporary, directory)
                done.append(name)
        except ShellError:
            for name in [] if self._force else done:
                os.unlink(name, dir_fd=directory)
            raise
        os.fsync(directory)

    def _name(self, name: str, temporary: str, directory: int) -> None:
        """Name a file; without force only where there is nothing, not even a link to nothing."""
        if not self._force:
            try:
                os.link(temporary, name, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE, dir_fd=directory))
            else:
                return
        os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        path = shown(self._directory / name)
        try:
            yield
        except FileExistsError:
            raise ShellError(
                f"{path} exists; nothing was stored: move it away, choose another --download-directory, or --force it"
            ) from None
        except OSError as error:
            raise ShellError(f"{path} cannot be stored ({error.strerror}); nothing was") from None


def shown(path: Path) -> str:
    """Write a path as one types it: a relative one begins with ``./``."""
    return str(path) if path.is_absolute() else f"./{path}"
