"""The store that the daemon runs: transactions on a SQL database, in one thread of its own.

Knows transactions, threads and what a database's failure means to the caller; which database it is, and
how it is made durable, was settled when its engine was opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from pkid.ca.ledger import Entry
from pkid.errors import Reason, Unavailable
from pkid.store.interfaces import Meter, SearchableLedger
from pkid.store.ledger import SQLLedger

__all__ = ["RunInThread", "SQLStore", "StoreService"]

T = TypeVar("T")


class RunInThread(Protocol):
    """Runs calls elsewhere, one after the other."""

    def __call__(self, call: Callable[[], T], /) -> Deferred[T]:
        """Run *call* after all that were given before; fire with its result or failure."""


class Unmetered:
    """A :class:`pkid.store.interfaces.Meter` that keeps nothing."""

    def committed(self, seconds: float, recorded: Sequence[Entry]) -> None:
        """Do nothing."""

    def failed(self, seconds: float) -> None:
        """Do nothing."""


class SQLStore:
    """A :class:`pkid.store.interfaces.Store` on a SQL database.

    :param engine: the database, with one connection and durable commits (`pkid.store.sqlite`).
    :param run_in_thread: where transactions run.
    :param meter: is told of each transaction.
    :param what: what the database is called in the log.
    """

    _log = Logger()

    def __init__(
        self, engine: Engine, run_in_thread: RunInThread, meter: Meter | None = None, what: str = "ledger"
    ) -> None:
        self._engine = engine
        self._run_in_thread = run_in_thread
        self._meter = meter or Unmetered()
        self._what = what
        self._closed = False

    def transact(self, work: Callable[[SearchableLedger], T]) -> Deferred[T]:
        """Do *work* in one transaction; fire with its result once that is committed durably."""
        recorded: list[Entry] = []
        return self._write(lambda connection: work(SQLLedger(connection, recorded)), recorded)

    def transact_now(self, work: Callable[[SearchableLedger], T]) -> T:
        """Do the same at once in the calling thread, which waits."""
        recorded: list[Entry] = []
        return self._write_now(lambda connection: work(SQLLedger(connection, recorded)), recorded)

    def write(self, work: Callable[[Connection], T]) -> Deferred[T]:
        """Do the same as :meth:`transact` with other tables of the database than the ledger's."""
        return self._write(work)

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """Do the same as :meth:`transact_now` with other tables of the database than the ledger's."""
        return self._write_now(work)

    def close(self) -> Deferred[None]:
        """Refuse new transactions, and close the database once those that were accepted are done."""
        self._closed = True
        return self._run_in_thread(self._engine.dispose)

    def _write(self, work: Callable[[Connection], T], recorded: Sequence[Entry] = ()) -> Deferred[T]:
        if self._closed:
            return fail(Unavailable(Reason.STOPPING))
        return self._run_in_thread(lambda: self._transaction(work, recorded))

    def _write_now(self, work: Callable[[Connection], T], recorded: Sequence[Entry] = ()) -> T:
        if self._closed:
            raise Unavailable(Reason.STOPPING)
        return self._transaction(work, recorded)

    def _transaction(self, work: Callable[[Connection], T], recorded: Sequence[Entry]) -> T:
        """Begin, work, commit; what the database raises becomes :class:`Unavailable`.

        :param recorded: the entries that *work* adds to the ledger.
        """
        started = time.monotonic()
        try:
            with self._engine.connect() as connection:
                try:
                    with connection.begin():
                        result = work(connection)
                except SQLAlchemyError:
                    # Its state is in doubt; the next transaction gets a new one.
                    connection.invalidate()
                    raise
        except SQLAlchemyError as error:
            self._meter.failed(time.monotonic() - started)
            cause = getattr(error, "orig", None) or error
            self._log.error("the {what} cannot be written: {cause}", what=self._what, cause=cause)
            raise Unavailable(Reason.STORE) from error
        self._meter.committed(time.monotonic() - started, recorded)
        return result


class StoreService(Service):
    """A :class:`SQLStore` with its thread, from the service's start to its stop.

    Before the start, :meth:`transact_now` works and :meth:`transact` waits. Stopping waits for what was
    accepted, then closes the database for good.

    :param name: the service's and its thread's.
    :param what: what the database is called in the log.
    """

    waiting = 0
    """How many transactions were accepted and are not done."""

    def __init__(
        self,
        engine: Engine,
        reactor: IReactorFromThreads,
        meter: Meter | None = None,
        name: str = "store",
        what: str = "ledger",
    ) -> None:
        self.setName(name)
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=1, maxthreads=1, name=name)
        self._store = SQLStore(engine, self._run_in_thread, meter, what)

    def transact(self, work: Callable[[SearchableLedger], T]) -> Deferred[T]:
        """Do *work* in one transaction; fire with its result once that is committed durably."""
        return self._store.transact(work)

    def transact_now(self, work: Callable[[SearchableLedger], T]) -> T:
        """Do the same at once in the calling thread, which waits: before the start."""
        return self._store.transact_now(work)

    def write(self, work: Callable[[Connection], T]) -> Deferred[T]:
        """Do the same as :meth:`transact` with other tables of the database than the ledger's."""
        return self._store.write(work)

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """Do the same as :meth:`transact_now` with other tables of the database than the ledger's."""
        return self._store.write_now(work)

    def startService(self) -> None:
        """Start the thread."""
        super().startService()
        self._pool.start()

    async def _stop(self) -> None:
        if not self._pool.started:
            # Nothing runs in a pool before its start, and something may be waiting in it.
            self._pool.start()
        try:
            await self._store.close()
        finally:
            self._pool.stop()

    def stopService(self) -> Deferred[None]:
        """Wait for the transactions that were accepted, close the database, end the thread."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _run_in_thread(self, call: Callable[[], Any]) -> Deferred[Any]:
        self.waiting += 1
        return deferToThreadPool(self._reactor, self._pool, call).addBoth(self._ran)

    def _ran(self, result: Any) -> Any:
        self.waiting -= 1
        return result
