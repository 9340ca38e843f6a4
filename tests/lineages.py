"""What is kept of CAs, in memory: the twin of the store's, for tests of what stands on it."""

from __future__ import annotations

from datetime import datetime

from twisted.internet.defer import Deferred, fail, succeed

from pkid.ca.issuers import Issuers
from pkid.errors import Reason, Unavailable

__all__ = ["MemoryIssuers"]


class MemoryIssuers:
    """A :class:`pkid.lineage.IssuerStore`.

    :ivar kept: what is kept now; :ivar trail: who distrusts what, and since when.
    :ivar works: whether anything can be kept.
    """

    def __init__(self) -> None:
        self.kept = Issuers()
        self.trail: list[tuple[bytes, str, datetime]] = []
        self.works = True

    def load(self) -> Issuers:
        return self.kept

    def save_now(self, found: Issuers) -> None:
        self.kept = found

    def save(self, found: Issuers) -> Deferred[None]:
        if not self.works:
            return fail(Unavailable(Reason.STORE))
        self.kept = found
        return succeed(None)

    def distrust(self, found: Issuers, sha256: bytes, by: str, at: datetime) -> Deferred[None]:
        if self.works:
            self.trail.append((sha256, by, at))
        return self.save(found)
