"""The ledger's place on the disk: whether the file is still there, and can grow."""

from __future__ import annotations

import os
from pathlib import Path

from pkid.errors import Reason, Unavailable
from pkid.store.interfaces import SearchableLedger

__all__ = ["LedgerFile"]

_LEAST_FREE = 4 << 20  # bytes; a group of certificates with their indexes takes a fraction of it


class LedgerFile:
    """Watches a ledger's file from the moment that it was opened.

    :param path: the file, which exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = _identity(path)

    def size(self) -> int:
        """Return how many bytes the ledger takes on the disk, what is not merged into its file yet included."""
        return sum(_bytes(file) for file in (self._path, self._path.with_name(f"{self._path.name}-wal")))

    def measure(self, ledger: SearchableLedger) -> tuple[int, int]:
        """Return how many entries the ledger holds, and how many bytes it takes."""
        return ledger.count(), self.size()

    def check(self) -> None:
        """Check that new certificates will be kept.

        :raises Unavailable: ``self-test``, when the file was moved or removed, or its disk is nearly full.
        """
        if _identity(self._path) != self._identity:
            raise Unavailable(Reason.SELF_TEST, "the ledger's file is no longer in its place")
        disk = os.statvfs(self._path)
        if disk.f_bavail * disk.f_frsize < _LEAST_FREE:
            raise Unavailable(Reason.SELF_TEST, "the ledger's disk is nearly full")


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
