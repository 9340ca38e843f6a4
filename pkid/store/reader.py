"""Reads the ledger beside the store, on a connection and in a thread of its own: searches hold up no signing.

A reading has a deadline, and ends when nobody waits for it any more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.errors import Reason, Unavailable
from pkid.store.interfaces import SearchableLedger
from pkid.store.ledger import SQLLedger
from pkid.threads import Threads

__all__ = ["Reader"]

T = TypeVar("T")

_STEPS = 20_000  # of SQLite's machine between two looks at the clock: under a millisecond


@dataclass(slots=True)
class _Reading:
    """One piece of work in its turn.

    :ivar ends: when it must be done, in seconds of the clock; ``None`` until it begins.
    """

    ends: float | None = None
    abandoned: bool = False


class Reader(Service):
    """Does work on a database that is only read, one after the other.

    :param engine: the database, opened for reading (:func:`pkid.store.sqlite.open_reader`).
    :param seconds: gives the time of a clock that only goes forward.
    :param patience: how long one piece of work may take.
    :param waiting: how many may wait.
    :param name: the service's and its thread's.
    :param what: what the database is called in the log.
    """

    _log = Logger()

    def __init__(
        self,
        engine: Engine,
        reactor: IReactorFromThreads,
        seconds: Callable[[], float],
        patience: timedelta = timedelta(seconds=5),
        waiting: int = 64,
        name: str = "reader",
        what: str = "ledger",
    ) -> None:
        self.setName(name)
        self._engine = engine
        self._what = what
        self._threads = Threads(name, 1, reactor)
        self._seconds = seconds
        self._patience = patience
        self._capacity = waiting
        self._stopping = False

    def read(self, work: Callable[[Connection], T], /) -> Deferred[T]:
        """Do *work* in one transaction; fire with its result.

        Fails with what *work* raises, or with :class:`~pkid.errors.Unavailable`: ``slow-search`` when it takes too
        long, ``busy`` when too many wait, ``search`` when the database refuses, ``stopping``. Cancelling ends the work.
        """
        if self._stopping:
            return fail(Unavailable(Reason.STOPPING))
        if not self._capacity:
            return fail(Unavailable(Reason.BUSY))
        self._capacity -= 1
        reading = _Reading()
        answer: Deferred[T] = Deferred(lambda _: setattr(reading, "abandoned", True))
        self._threads(lambda: self._do(work, reading)).addBoth(self._finish, answer)
        return answer

    def consult(self, work: Callable[[SearchableLedger], T], /) -> Deferred[T]:
        """Do the same with the ledger, which *work* must not change."""
        return self.read(lambda connection: work(SQLLedger(connection)))

    def startService(self) -> None:
        """Start the thread."""
        super().startService()
        self._threads.startService()

    def stopService(self) -> None:
        """End what is being read, and close the database."""
        super().stopService()
        self._stopping = True
        self._threads.stopService()
        self._engine.dispose()

    def _finish(self, result: T | Failure, answer: Deferred[T]) -> None:
        """Answer, but not somebody who left: their Deferred was cancelled, and takes no answer."""
        self._capacity += 1
        if not answer.called:
            answer.callback(result)

    def _do(self, work: Callable[[Connection], T], reading: _Reading) -> T:
        if reading.abandoned:
            raise CancelledError
        reading.ends = self._seconds() + self._patience.total_seconds()
        try:
            with self._engine.connect() as connection, connection.begin(), self._bounded(connection, reading):
                return work(connection)
        except SQLAlchemyError as error:
            raise self._unavailable(error) from error

    @contextmanager
    def _bounded(self, connection: Connection, reading: _Reading) -> Iterator[None]:
        """Let SQLite ask, every few steps, whether to go on (https://sqlite.org/c3ref/progress_handler.html)."""
        database: Any = connection.connection.dbapi_connection
        database.set_progress_handler(lambda: self._is_over(reading), _STEPS)
        try:
            yield
        finally:
            database.set_progress_handler(None, 0)

    def _is_over(self, reading: _Reading) -> bool:
        overdue = reading.ends is not None and self._seconds() > reading.ends
        return overdue or reading.abandoned or self._stopping

    def _unavailable(self, error: SQLAlchemyError) -> Unavailable:
        cause = getattr(error, "orig", None) or error
        if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            return Unavailable(Reason.SLOW_SEARCH, f"{self._patience.total_seconds():g} seconds")
        self._log.error("the {what} cannot be read: {cause}", what=self._what, cause=cause)
        return Unavailable(Reason.SEARCH)
