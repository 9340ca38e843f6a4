"""What a component had when: a storage that writes down when each certificate came, and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from pkid.agent import Credential, MemoryStorage

__all__ = ["Diary"]


class Diary(MemoryStorage):
    """Keeps what every storage keeps, and when it did.

    :param now: gives the time, aware UTC.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self.pages: list[tuple[datetime, datetime]] = []
        """When each certificate came, and when it ends."""

    def save_credential(self, credential: Credential) -> None:
        """Keep a key and its certificate."""
        super().save_credential(credential)
        self.pages.append((self._now(), credential.not_after))

    def gaps(self) -> Iterator[tuple[datetime, datetime]]:
        """Yield the times in which the certificate that was there had ended."""
        for (_, ended), (came, _) in zip(self.pages, self.pages[1:], strict=False):
            if came > ended:
                yield ended, came
