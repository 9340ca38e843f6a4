"""The agent's state directory: it holds whom the agent trusts, and nothing else that must not be lost."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pkid.agent import DirectoryStorage, GivenAuthority, Storage
from pkid.errors import StateError

__all__ = ["TrustDirectory"]

_OF_A_CORE = ("ca.pem", "ledger.sqlite")


class TrustDirectory:
    """A state directory that no other agent uses while it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def storage(self, ca_cert: Path | None) -> Storage:
        """Return what keeps the CA certificate that is trusted.

        :param ca_cert: a file with the only one to trust, if one is given.
        """
        kept = DirectoryStorage(self.path)
        return kept if ca_cert is None else GivenAuthority(ca_cert, kept)

    def open(self) -> None:
        """Make the directory if there is none.

        :raises StateError: when it cannot be used.
        """
        if any((self.path / name).exists() for name in _OF_A_CORE):
            raise StateError(self.path, "belongs to a core", "choose another one with --state")
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise StateError(self.path, "is in use by another agent", "choose another one with --state") from None
        except OSError as error:
            raise StateError(self.path, f"cannot be used ({error.strerror})", "choose another one") from None

    def close(self) -> None:
        """Let another agent use it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
