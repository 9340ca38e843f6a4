"""The store that the daemon runs: transactions on a SQL database, in one thread of its own.

Knows transactions, threads and what a database's failure means to the caller; which database it is, and
how it is made durable, was settled when its engine was opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Engine
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
    """

    _log = Logger()

    def __init__(self, engine: Engine, run_in_thread: RunInThread, meter: Meter | None = None) -> None:
        self._engine = engine
        self._run_in_thread = run_in_thread
        self._meter = meter or Unmetered()
        self._closed = False

    def transact(self, work: Callable[[SearchableLedger], T]) -> Deferred[T]:
        """Do *work* in one transaction; fire with its result once that is committed durably."""
        if self._closed:
            return fail(Unavailable(Reason.STOPPING))
        return self._run_in_thread(lambda: self._transaction(work))

    def transact_now(self, work: Callable[[SearchableLedger], T]) -> T:
        """Do the same at once in the calling thread, which waits."""
        if self._closed:
            raise Unavailable(Reason.STOPPING)
        return self._transaction(work)

    def close(self) -> Deferred[None]:
        """Refuse new transactions, and close the database once those that were accepted are done."""
        self._closed = True
        return self._run_in_thread(self._engine.dispose)

    def _transaction(self, work: Callable[[SearchableLedger], T]) -> T:
        """Begin, work, commit; what the database raises becomes :class:`Unavailable`."""
        started = time.monotonic()
        try:
            with self._engine.connect() as connection:
                try:
                    with connection.begin():
                        ledger = SQLLedger(connection)
                        result = work(ledger)
                except SQLAlchemyError:
                    # Its state is in doubt; the next transaction gets a new one.
                    connection.invalidate()
                    raise
        except SQLAlchemyError as error:
            self._meter.failed(time.monotonic() - started)
            self._log.error("the ledger cannot be written: {cause}", cause=getattr(error, "orig", None) or error)
            raise Unavailable(Reason.STORE) from error
        self._meter.committed(time.monotonic() - started, ledger.recorded)
        return result


class StoreService(Service):
    """A :class:`SQLStore` with its thread, from the service's start to its stop.

    Before the start, :meth:`transact_now` works and :meth:`transact` waits. Stopping waits for what was
    accepted, then closes the database for good.
    """

    name = "store"
    waiting = 0
    """How many transactions were accepted and are not done."""

    def __init__(self, engine: Engine, reactor: IReactorFromThreads, meter: Meter | None = None) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=1, maxthreads=1, name="store")
        self._store = SQLStore(engine, self._run_in_thread, meter)

    def transact(self, work: Callable[[SearchableLedger], T]) -> Deferred[T]:
        """Do *work* in one transaction; fire with its result once that is committed durably."""
        return self._store.transact(work)

    def transact_now(self, work: Callable[[SearchableLedger], T]) -> T:
        """Do the same at once in the calling thread, which waits: before the start."""
        return self._store.transact_now(work)

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
