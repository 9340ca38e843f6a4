"""Which single-use identifiers were used already."""

from __future__ import annotations

from heapq import heappop, heappush

from pkid.errors import Reason, Refused, Unavailable

__all__ = ["UsedIdentifiers"]

_SMALL_STEP = 120.0  # seconds by which a clock may be set back and be waited for: as long as a bound token lives


class UsedIdentifiers:
    """Remembers identifiers until they expire, and never forgets one early.

    Only callers who proved that they know a key come this far, so that strangers cannot fill it.

    :param since: when it begins, seconds since the epoch.
    :param capacity: how many to remember at most.
    :ivar since: from when on it knows what was used.
    """

    def __init__(self, since: float = float("-inf"), capacity: int = 100_000) -> None:
        self.since = self._latest = since
        self._capacity = capacity
        self._used: set[str] = set()
        self._by_expiry: list[tuple[float, str]] = []
        self._forgotten_until = float("-inf")

    def __len__(self) -> int:
        return len(self._used)

    def look_at_clock(self, now: float) -> None:
        """Begin anew when the clock was set back by more than a token lives, as the next start of the core would.

        Otherwise every token would be refused until that time came again: it could be one that is forgotten.
        """
        if now < self._latest - _SMALL_STEP:
            self.since, self._forgotten_until = now, float("-inf")
            self._latest = now
        self._latest = max(now, self._latest)

    def use(self, identifier: str, expires_at: float, now: float) -> None:
        """Use an identifier, once.

        :param expires_at: until when a token with it would be accepted, seconds since the epoch.
        :raises Refused: ``unauthorized`` when it was used before.
        :raises Unavailable: ``busy`` when no more can be remembered.
        """
        while self._by_expiry and self._by_expiry[0][0] <= now:
            self._forgotten_until, forgotten = heappop(self._by_expiry)
            self._used.discard(forgotten)
        # Not even when the clock was set back a little may what is forgotten be used again.
        if identifier in self._used or expires_at <= self._forgotten_until:
            raise Refused(Reason.UNAUTHORIZED)
        if len(self._used) >= self._capacity:
            raise Unavailable(Reason.BUSY, retry_after=int(self._by_expiry[0][0] - now) + 1)
        self._used.add(identifier)
        heappush(self._by_expiry, (expires_at, identifier))
