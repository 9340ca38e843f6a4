"""What is to be written, gathered into groups: one transaction takes what waits while the last one commits.

Everything is written in the order in which it came, and nothing is said to be kept before its commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.broker.effects import Forget, Keep, Mark, Remember
from pkid.errors import PkidError, Reason, Unavailable
from pkid.messaging.store import Kept
from pkid.store.messages.messages import Limits, SQLMessages
from pkid.store.messages.subscriptions import SQLSubscriptions

__all__ = ["ForgetAll", "Soon", "Step", "Writing"]

T = TypeVar("T")

_MOST_STEPS = 1024  # in one transaction
_MOST_BYTES = 8 << 20  # of messages in one transaction
_RETRY = 0.5  # seconds after a failure
_OVERHEAD = 256  # bytes that a step takes beside its payload


@dataclass(frozen=True, slots=True)
class ForgetAll:
    """Forget all that a component wanted."""

    component: str


Soon = Callable[[Callable[[], None]], object]
"""Calls something, soon."""

Step = Keep | Remember | Forget | ForgetAll | Mark


class Write(Protocol):
    """Runs transactions, one after the other."""

    def __call__(self, work: Callable[[Connection], T], /) -> Deferred[T]:
        """Do *work* in one transaction; fire with its result once that is committed durably."""


class Writing:
    """Writes steps in groups.

    :param kept: is told of messages whose keeping is awaited.
    :param room: how many bytes may wait; what comes then is refused.
    :param soon: calls what begins a group, by default at once; at the end of the reactor's turn, the group is all that
        came together.
    :ivar dropped: how many steps that nobody awaits were refused, or given up.
    :ivar totals: how many messages are kept, and how many bytes they come to.
    """

    _log = Logger()

    def __init__(
        self,
        write: Write,
        limits: Limits,
        kept: Kept,
        clock: IReactorTime,
        room: int = 64 << 20,
        soon: Soon = lambda begin: begin(),
    ) -> None:
        self.dropped = 0
        self.totals = 0, 0
        self._write = write
        self._limits = limits
        self._kept = kept
        self._clock = clock
        self._room = room
        self._soon = soon
        self._beginning = False
        self._waiting: deque[Step] = deque()
        self._left: list[Step] = []  # of a group that failed; to be tried again
        self._overfull: set[str] = set()  # tenants
        self._given = self._done = 0
        self._settling: deque[tuple[int, Deferred[None]]] = deque()
        self._committing = False
        self._timer: IDelayedCall | None = None

    @property
    def waiting(self) -> int:
        """How many steps wait for the next group."""
        return len(self._waiting) + len(self._left)

    def add(self, step: Step) -> None:
        """Write a step, soon."""
        size = _size(step)
        if self._room < size:
            self._refuse(step)
            return
        self._room -= size
        self._given += 1
        self._waiting.append(step)
        if not (self._beginning or self._committing):
            self._beginning = True
            self._soon(self._begin)

    def trim(self, tenants: Sequence[str]) -> None:
        """Forget what these tenants have too much of."""
        self._overfull.update(tenants)
        self._begin_group()

    def settled(self) -> Deferred[None]:
        """Fire when all that waits now is committed, or was tried."""
        if self._done == self._given:
            return succeed(None)
        settled: Deferred[None] = Deferred()
        self._settling.append((self._given, settled))
        return settled

    async def finish(self) -> None:
        """Write what waits; give up what cannot be written."""
        self._stop_waiting()
        self._begin_group()
        await self.settled()
        self._stop_waiting()
        self._give_up(self._left)

    def _begin(self) -> None:
        self._beginning = False
        self._begin_group()

    def _refuse(self, step: Step) -> None:
        if isinstance(step, Keep) and step.awaited:
            self._kept([step.message.number], Unavailable(Reason.BUSY))
        else:
            self.dropped += 1

    def _begin_group(self) -> None:
        if self._committing or self._timer is not None or not (self._waiting or self._left or self._overfull):
            return
        group, self._left = self._left + self._take(), []
        tenants, self._overfull = self._overfull, set()
        self._committing = True
        written = self._write(lambda connection: self._commit(connection, group, tenants))
        written.addCallbacks(self._committed, self._failed, callbackArgs=(group,), errbackArgs=(group, tenants))
        written.addErrback(lambda failure: self._log.failure("what was kept could not be told", failure))
        written.addBoth(lambda _: self._end_group(len(group)))

    def _take(self) -> list[Step]:
        taken: list[Step] = []
        size = 0
        while self._waiting and len(taken) < _MOST_STEPS and size < _MOST_BYTES:
            taken.append(self._waiting.popleft())
            size += _size(taken[-1])
        return taken

    def _commit(
        self, connection: Connection, group: Sequence[Step], tenants: set[str]
    ) -> tuple[set[str], tuple[int, int]]:
        """Write a group, in the store's thread; return the tenants who have too much still, and the totals."""
        kept, wanted = SQLMessages(connection), SQLSubscriptions(connection)
        messages = [step.message for step in group if isinstance(step, Keep)]
        kept.keep(messages)
        for step in group:
            match step:
                case Remember(component, pattern, since):
                    wanted.remember(component, pattern, since)
                case Forget(component, pattern):
                    wanted.forget(component, pattern)
                case ForgetAll(component):
                    wanted.forget(component, None)
                case Mark(component, number):
                    wanted.mark(component, number)
        tenants = tenants.union(message.tenant for message in messages)
        return {tenant for tenant in tenants if kept.trim(tenant, self._limits)}, kept.totals()

    def _committed(self, done: tuple[set[str], tuple[int, int]], group: Sequence[Step]) -> None:
        overfull, self.totals = done
        self._overfull |= overfull
        self._room += sum(map(_size, group))
        self._tell(group, None)

    def _failed(self, failure: Failure, group: Sequence[Step], tenants: set[str]) -> None:
        """Tell those who wait that it failed, and try the rest again."""
        error, unawaited = failure.value, [step for step in group if not _is_awaited(step)]
        if isinstance(error, PkidError):
            self._left = unawaited
            self._given += len(unawaited)
            self._overfull |= tenants
        else:
            self._log.failure("what the broker was to keep could not be written", failure)
            self._give_up(unawaited)
            error = Unavailable(Reason.STORE)
        self._room += sum(map(_size, group)) - sum(map(_size, self._left))
        self._timer = self._clock.callLater(_RETRY, self._try_again)
        self._tell(group, error)

    def _give_up(self, steps: Sequence[Step]) -> None:
        self.dropped += len(steps)
        if steps:
            self._log.error("{number} things that the broker was to keep are lost", number=len(steps))

    def _end_group(self, size: int) -> None:
        self._committing = False
        self._done += size
        while self._settling and self._settling[0][0] <= self._done:
            self._settling.popleft()[1].callback(None)
        self._begin_group()

    def _tell(self, group: Sequence[Step], error: PkidError | None) -> None:
        numbers = [step.message.number for step in group if isinstance(step, Keep) and step.awaited]
        if numbers:
            self._kept(numbers, error)

    def _try_again(self) -> None:
        self._timer = None
        self._begin_group()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _size(step: Step) -> int:
    return _OVERHEAD + (step.message.size if isinstance(step, Keep) else 0)


def _is_awaited(step: Step) -> bool:
    return isinstance(step, Keep) and step.awaited
