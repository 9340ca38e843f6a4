"""Pruning: the ledger forgets certificates whose end is long over, a few at a time, once an hour.

What is forgotten does not come back, so the wall clock is not believed when it has leapt ahead by more than a day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.store.interfaces import Store
from pkid.trusted_time import TrustedTime

__all__ = ["SHORTEST_KEEP", "Pruning"]

SHORTEST_KEEP = timedelta(days=1)
"""For how long expired certificates are kept at least: as far as the clock may leap unnoticed."""

_PERIOD = timedelta(hours=1)
_BATCH = 50  # entries; about 30 ms of the store's time in a ledger of a million
_PAUSE = 0.1  # seconds between two batches, for others; so a day's worth of a million takes an hour


class Pruning(Service):
    """Deletes entries whose certificates expired longer ago than they are kept.

    :param keep: for how long they are kept.
    :param known: a time that was certainly past, taken before this start has recorded anything.
    :param now: gives the wall-clock time, aware UTC.
    :raises ValueError: when that is shorter than :data:`SHORTEST_KEEP`.
    """

    name = "pruning"
    _log = Logger()

    def __init__(
        self, store: Store, keep: timedelta, known: datetime, clock: IReactorTime, now: Callable[[], datetime]
    ) -> None:
        if keep < SHORTEST_KEEP:
            raise ValueError(f"expired certificates are kept for {SHORTEST_KEEP} at least")
        self._store = store
        self._keep = keep
        self._trusted = TrustedTime(known, SHORTEST_KEEP)
        self._clock = clock
        self._now = now
        self._timer: IDelayedCall | None = None
        self._running: Deferred[int] | None = None

    def startService(self) -> None:
        """Prune now, and each hour from now on."""
        super().startService()
        self._run()

    def stopService(self) -> None:
        """End it; for the batch that is being deleted, the store waits when it stops."""
        super().stopService()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running is not None:
            self._running.cancel()

    async def prune(self) -> int:
        """Delete what is due, and return how many entries that were.

        :raises Unavailable: when the store cannot; what was deleted before stays so.
        """
        now = self._now()
        if not self._trusted.believes(now, timedelta(seconds=self._clock.seconds())):
            self._log.warn(
                "nothing is pruned: the clock shows {now}, more than a day ahead of what the ledger knows; "
                "it is believed when it has gone on for a day",
                now=now.isoformat(timespec="seconds"),
            )
            return 0
        total = 0
        while deleted := await self._store.transact(lambda ledger: ledger.prune(now - self._keep, _BATCH)):
            total += deleted
            await deferLater(self._clock, _PAUSE)
        return total

    def _run(self) -> None:
        self._timer = None
        self._running = Deferred.fromCoroutine(self.prune())
        self._running.addBoth(self._ended)

    def _ended(self, result: int | Failure) -> None:
        self._running = None
        if isinstance(result, Failure) and not result.check(CancelledError):
            self._log.error("the ledger could not be pruned: {problem}", problem=result.value)
        elif isinstance(result, int) and result:
            self._log.info("pruned {number} certificates from the ledger that had expired", number=result)
        if self.running:
            self._timer = self._clock.callLater(_PERIOD.total_seconds(), self._run)
