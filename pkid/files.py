"""Files that survive a power loss, and private ones that only their owner can read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from pkid.errors import StateError

__all__ = ["PRIVATE", "PUBLIC", "read_private", "read_regular", "read_small", "write_atomically"]

_LARGEST = 1 << 20

PRIVATE = 0o600
PUBLIC = 0o644


def write_atomically(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Write a whole file so that a reader, or the next start, finds the old content or the new, never a part.

    Several may write it at once, in one process or in several, also of containers that number theirs alike: the last
    one's content stays.

    :param mode: the file's permissions; it never has wider ones.
    :param owner: user and group that it is to belong to, if not to whoever writes it.
    :raises OSError: when it cannot be written; the old content is still there then.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make a change of a directory's names durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_small(path: Path) -> bytes:
    """Read a file of 1 MiB at most, of whatever kind; a device without an end is no reason to wait for ever.

    :raises OSError: when it cannot be read, or is larger.
    """
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content


def read_regular(path: Path) -> bytes:
    """Read a file that somebody else keeps, of 1 MiB at most; a pipe or a device is not waited for.

    :raises StateError: when it cannot be read, or is no such file.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(_LARGEST + 1) if regular else b""
    except OSError as error:
        raise StateError(
            path, f"cannot be read ({error.strerror})", "give the name of a file that pkid can read"
        ) from None
    if not regular or len(content) > _LARGEST:
        raise StateError(path, "is not a regular file of 1 MiB or less", "give the name of one")
    return content


def read_private(path: Path, owner: int | None = None) -> bytes | None:
    """Read a private file; ``None`` when there is none.

    :param owner: a user besides the own one and root to whom it may belong.
    :raises StateError: when it cannot be read, is a link to nothing, or others than its owner could read it.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            found = os.fstat(file.fileno())
            content = file.read() if stat.S_ISREG(found.st_mode) else None
    except FileNotFoundError:
        if path.is_symlink():
            raise StateError(path, "is a link to nothing", "bring back what it pointed to, or remove it") from None
        return None
    except OSError as error:
        raise StateError(path, f"cannot be read ({error.strerror})", "give its owner access to it") from error
    if content is None:
        raise StateError(path, "is not a regular file", "move it away, or choose another --state")
    if found.st_uid not in (os.geteuid(), 0, owner):
        raise StateError(path, "belongs to another user", "see who could have changed it, then run chown on it")
    mode = found.st_mode
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StateError(
            path,
            f"may be read by others (its mode is {stat.S_IMODE(mode):04o})",
            "see who could have read it, then run chmod 600 on it",
        )
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for a pipe in its place; it is closed again if it is a directory."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
