"""A bounded pool of threads that lives as long as the daemon."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

__all__ = ["Threads"]

T = TypeVar("T")


class Threads(Service):
    """Runs work away from the reactor; an object of this class is an :class:`~pkid.auth.derivation.Offload`.

    :param size: how many threads run at most.
    """

    def __init__(self, name: str, size: int, reactor: IReactorFromThreads) -> None:
        self.setName(name)
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=size, name=name)

    def __call__(self, work: Callable[[], T], /) -> Deferred[T]:
        """Run *work* in one of the threads; fire with its result on the reactor."""
        return deferToThreadPool(self._reactor, self._pool, work)

    def startService(self) -> None:
        """Start the threads."""
        super().startService()
        self._pool.start()

    def stopService(self) -> None:
        """End the threads, after the work that they do."""
        super().stopService()
        if self._pool.started:
            self._pool.stop()
