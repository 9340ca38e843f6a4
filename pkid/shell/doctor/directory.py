"""The state directory: who may read and write it, and who uses it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pkid.shell.doctor.finding import Finding, ok, problem, warning

__all__ = ["Found", "check_directory", "check_files", "check_lock", "lock_holder", "look_into"]

_PUBLIC = ("addresses", "ca.crt", "host.crt", "trust-domain")
_LOCKS = Path("/proc/locks")


@dataclass(frozen=True, slots=True)
class Found:
    """A file, as it was found.

    :ivar mode: its type and permissions.
    :ivar owner: its owner's number.
    """

    path: Path
    mode: int
    owner: int

    @classmethod
    def at(cls, path: Path) -> Found:
        """Look at a file.

        :raises OSError: when that cannot be done.
        """
        found = path.stat()
        return cls(path, found.st_mode, found.st_uid)


def look_into(state: Path) -> Iterator[Found]:
    """Yield what a directory holds; what disappears meanwhile is left out."""
    for path in sorted(state.iterdir()):
        if path.exists():
            yield Found.at(path)


def check_directory(directory: Found, user: int) -> Iterator[Finding]:
    """Check who may use the directory.

    :param user: who asks.
    """
    path, mode = directory.path, stat.S_IMODE(directory.mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield problem(f"{path} may be written by others (its mode is {mode:04o})", f"run chmod 700 {path}")
    elif mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield warning(f"{path} may be looked into by others (its mode is {mode:04o})", f"run chmod 700 {path}")
    else:
        yield ok(f"{path} is for its owner only")
    if user not in (directory.owner, 0):
        yield problem(f"{path} belongs to another user", "run doctor as the core's user, or name another --state")


def check_files(files: Iterable[Found], owner: int) -> Iterator[Finding]:
    """Check the files in it.

    :param owner: whom the directory belongs to.
    """
    count = 0
    for file in files:
        if not stat.S_ISREG(file.mode):
            continue
        count += 1
        mode = stat.S_IMODE(file.mode)
        if file.path.name.startswith(".") and file.path.suffix == ".new":
            yield warning(f"{file.path} is left of a write that was cut off", "the core's next start removes it")
        elif file.path.name not in _PUBLIC and mode & (stat.S_IRWXG | stat.S_IRWXO):
            remedy = f"see who could have read it, then run chmod 600 {file.path}"
            yield problem(f"{file.path} is open to others (its mode is {mode:04o})", remedy)
        if mode & stat.S_IWOTH or (file.path.name in _PUBLIC and mode & stat.S_IWGRP):
            yield problem(
                f"{file.path} may be written by others", f"see who could have, then run chmod go-w {file.path}"
            )
        if file.owner not in (owner, 0):
            remedy = "see who could have changed it, then run chown on it"
            yield problem(f"{file.path} belongs to another user than its directory", remedy)
    yield ok(f"files that were looked at: {count}")


def check_lock(state: Path, holder: int | None) -> Finding:
    """Tell which core uses the directory, if one does."""
    if holder is None:
        return warning("no core runs with this state", f"start one: twistd -n --pidfile= pkid --state {state}")
    return ok(f"a core runs with it (process {holder})")


def lock_holder(lock: Path) -> int | None:
    """Find which process holds a lock, without taking it: a core that starts in this moment must not be stopped.

    The system lists locks by inode (proc_locks(5)); where it does not, the process that is named in the file counts if
    it lives.
    """
    try:
        found = lock.stat()
        named = int(lock.read_text("ascii"))
    except (OSError, ValueError):
        return None
    try:
        held = _LOCKS.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return named if _lives(named) else None
    return named if any(f":{found.st_ino} " in line for line in held) else None


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
