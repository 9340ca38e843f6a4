"""Which single-use identifiers were used already."""

from __future__ import annotations

from heapq import heappop, heappush

from pkid.errors import Reason, Refused, Unavailable

__all__ = ["UsedIdentifiers"]


class UsedIdentifiers:
    """Remembers identifiers until they expire, and never forgets one early.

    Only callers who proved that they know a key come this far, so that strangers cannot fill it.

    :param capacity: how many to remember at most.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._used: set[str] = set()
        self._by_expiry: list[tuple[float, str]] = []
        self._forgotten_until = float("-inf")

    def __len__(self) -> int:
        return len(self._used)

    def use(self, identifier: str, expires_at: float, now: float) -> None:
        """Use an identifier, once.

        :param expires_at: until when a token with it would be accepted, seconds since the epoch.
        :raises Refused: ``unauthorized`` when it was used before.
        :raises Unavailable: ``busy`` when no more can be remembered.
        """
        while self._by_expiry and self._by_expiry[0][0] <= now:
            self._forgotten_until, forgotten = heappop(self._by_expiry)
            self._used.discard(forgotten)
        # Not even when the clock was set back may what is forgotten be used again.
        if identifier in self._used or expires_at <= self._forgotten_until:
            raise Refused(Reason.UNAUTHORIZED)
        if len(self._used) >= self._capacity:
            raise Unavailable(Reason.BUSY, retry_after=int(self._by_expiry[0][0] - now) + 1)
        self._used.add(identifier)
        heappush(self._by_expiry, (expires_at, identifier))
