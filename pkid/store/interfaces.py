"""What the rest of pkid may expect of a store; which database is behind it is not told here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred

from pkid.ca.ledger import Entry, Ledger

__all__ = ["Meter", "SearchableLedger", "Store"]

T = TypeVar("T")


class SearchableLedger(Ledger, Protocol):
    """A ledger that can also be searched by those who did not sign."""

    def find(self, serial: int) -> Entry | None:
        """Find the entry with this serial number."""

    def find_fingerprint(self, sha256: bytes) -> Entry | None:
        """Find the entry of the certificate with this SHA-256 (32 bytes)."""

    def count(self) -> int:
        """Count the entries."""

    def newest(self) -> datetime | None:
        """Return when the newest entry was signed, aware UTC; ``None`` when there is none."""

    def prune(self, ended: datetime, most: int) -> int:
        """Delete entries of certificates that ended before *ended* (aware UTC), and return how many that were.

        :param most: how many are deleted; those that ended first.
        """


class Meter(Protocol):
    """Is told of each transaction how it went, in the thread that it ran in."""

    def committed(self, seconds: float, recorded: Sequence[Entry]) -> None:
        """Take note of a transaction that is committed, and of the entries that it added."""

    def failed(self, seconds: float) -> None:
        """Take note of a transaction that the database did not take."""


class Store(Protocol):
    """A place that keeps the ledger: work is done in transactions, in the order in which it came.

    *work* may run in another thread, so it must touch nothing but the ledger and its own values.
    """

    def transact(self, work: Callable[[SearchableLedger], T]) -> Deferred[T]:
        """Do *work* in one transaction; fire with its result once that is committed durably.

        What *work* raises is passed on unchanged after a rollback. Otherwise fails with
        :class:`pkid.errors.Unavailable`: with ``Reason.STORE`` if the transaction cannot be begun or
        committed (nothing of it is kept), with ``Reason.STOPPING`` once the store was told to stop.
        """

    def transact_now(self, work: Callable[[SearchableLedger], T]) -> T:
        """Do the same at once in the calling thread, which waits: for start-up, before the reactor runs.

        :raises pkid.errors.Unavailable: as for :meth:`transact`.
        """
