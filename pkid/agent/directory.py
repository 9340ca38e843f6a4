"""The state directory of a program that is a component: its own while it runs, and never a core's."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pkid.errors import StateError

__all__ = ["ComponentDirectory"]

_OF_A_CORE = ("ca.pem", "ledger.sqlite")


class ComponentDirectory:
    """A state directory that no other program uses while it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def open(self) -> None:
        """Make the directory if there is none, and keep others away; again is harmless.

        :raises StateError: when it cannot be used.
        """
        if any((self.path / name).exists() for name in _OF_A_CORE):
            raise StateError(self.path, "belongs to a core", "choose another one with --state")
        if self._lock is not None:
            return
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            problem = "is in use by another agent or exporter"
            raise StateError(self.path, problem, "stop that one, or choose another one with --state") from None
        except OSError as error:
            raise StateError(self.path, f"cannot be used ({error.strerror})", "choose another one") from None

    def close(self) -> None:
        """Let another program use it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
