"""What those may expect of the store who have tables of their own in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred

__all__ = ["Database"]

T = TypeVar("T")


class Database(Protocol):
    """A SQL database: work is done in transactions, in the order in which it came."""

    def write(self, work: Callable[[Connection], T]) -> Deferred[T]:
        """Do *work* in one transaction; fire with its result once that is committed durably.

        Fails as :meth:`pkid.store.interfaces.Store.transact` does.
        """

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """Do the same at once in the calling thread, which waits: for start-up, before the reactor runs.

        :raises pkid.errors.Unavailable: as for :meth:`write`.
        """
