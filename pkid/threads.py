"""Bounded pools of threads that live as long as the daemon."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

__all__ = ["ParallelMap", "Threads"]

T = TypeVar("T")
R = TypeVar("R")


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


class ParallelMap(Service):
    """Works like :func:`map`, in several threads at once: a :class:`~pkid.ca.issuer.Spread`.

    The thread that calls does its share, and each takes the next thing as soon as it is done with one. It pays for work
    during which Python lets other threads run.

    :param size: how many threads work, the one that calls included.
    """

    def __init__(self, name: str, size: int) -> None:
        self.setName(name)
        self._others = size - 1
        self._pool = ThreadPoolExecutor(max(1, self._others), name)

    def __call__(self, work: Callable[[T], R], things: Sequence[T], /) -> list[R]:
        """Do *work* on each; return what came of it, in their order.

        What it raises for one is raised here, when no thread is at work any more; some may be left undone then.
        """
        left, done = deque(enumerate(things)), dict[int, R]()
        others = [self._pool.submit(_work_off, work, left, done) for _ in range(min(self._others, len(things) - 1))]
        try:
            _work_off(work, left, done)
        finally:
            failures = [other.exception() for other in others if not other.cancel()]
        for failure in failures:
            if failure is not None:
                raise failure
        return [done[place] for place in range(len(things))]

    def stopService(self) -> None:
        """End the threads, after the work that they do."""
        super().stopService()
        self._pool.shutdown()


def _work_off(work: Callable[[T], R], left: deque[tuple[int, T]], done: dict[int, R]) -> None:
    """Do what no other thread does, until nothing is left."""
    while left:
        try:
            place, thing = left.popleft()
        except IndexError:  # another thread took the last
            return
        done[place] = work(thing)
