"""The broker's store: rights in the ledger's database, messages and subscriptions in one of their own.

Two databases, because each has one writer: a busy broker must not delay certificates, and its messages must not swell
the ledger's backups. What ends with a name, rights and credentials, is in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.broker.changes import Change
from pkid.broker.effects import Forget, Keep, Mark, Recall, Remember
from pkid.broker.inputs import Recalled
from pkid.broker.message import Message
from pkid.broker.payload import Payload
from pkid.broker.topic import Pattern
from pkid.errors import Refused, StateError
from pkid.messaging.store import Absentee, Kept, Stored
from pkid.store.database import Database
from pkid.store.messages.messages import Limits, SQLMessages
from pkid.store.messages.recollection import Recollection
from pkid.store.messages.subscriptions import SQLSubscriptions
from pkid.store.messages.writing import ForgetAll, Soon, Writing
from pkid.store.rights import commit_change, load_rights
from pkid.trusted_time import TrustedTime

__all__ = ["Read", "SQLBrokerStore"]

T = TypeVar("T")

_RESTORE = "restore it from a copy"
_LONGEST_PATIENCE = timedelta(days=1)
_PAUSE = 0.02  # seconds between two steps of forgetting, for others


class Read(Protocol):
    """Reads in a transaction of its own, beside those that write: :meth:`pkid.store.reader.Reader.read`."""

    def __call__(self, work: Callable[[Connection], T], /) -> Deferred[T]:
        """Do *work*; fire with its result."""


class SQLBrokerStore(Service):
    """A :class:`pkid.messaging.store.BrokerStore` on two databases, which are to be started before and stopped after.

    :param now: gives the wall-clock time, aware UTC.
    :param soon: calls what begins a group of what is to be written.
    """

    name = "broker-store"
    _log = Logger()

    def __init__(
        self,
        ledger: Database,
        messages: Database,
        read: Read,
        clock: IReactorTime,
        now: Callable[[], datetime],
        limits: Limits | None = None,
        soon: Soon = lambda begin: begin(),
    ) -> None:
        self._ledger = ledger
        self._messages = messages
        self._read = read
        self._clock = clock
        self._now = now
        self._limits = limits or Limits()
        self._kept: Kept = lambda numbers, error: None
        self._writing = Writing(messages.write, self._limits, lambda *told: self._kept(*told), clock, soon=soon)
        self._expiring: Deferred[None] | None = None
        self._trusted = TrustedTime(now(), self._patience)
        self._doubts = False

    def begin(self, kept: Kept) -> Stored:
        """Return what is stored; blocks.

        :raises StateError: when it is no rights or subscriptions of any kind.
        :raises Unavailable: ``store`` when it cannot be read.
        """
        self._kept = kept
        try:
            changes = self._ledger.write_now(load_rights)
        except (Refused, ValueError) as error:
            raise StateError("the ledger", f"holds a right that cannot be read ({error})", _RESTORE) from error
        try:
            absentees, last_number, tenants, newest, self._writing.totals = self._messages.write_now(_load)
        except (Refused, ValueError) as error:
            raise StateError("the message store", f"holds a topic that cannot be read ({error})", _RESTORE) from error
        self._writing.trim(tenants)
        if newest is not None:
            known = min(newest, self._now().timestamp())
            self._trusted = TrustedTime(datetime.fromtimestamp(known, UTC), self._patience)
        return Stored(changes, absentees, last_number)

    def stopService(self) -> Deferred[None]:
        """Write what waits."""
        super().stopService()
        if self._expiring is not None:
            self._expiring.cancel()
        return Deferred.fromCoroutine(self._writing.finish())

    @property
    def waiting(self) -> int:
        """How many things wait to be written."""
        return self._writing.waiting

    @property
    def dropped(self) -> int:
        """How many things that nobody awaited were not written, because too much waited."""
        return self._writing.dropped

    @property
    def messages(self) -> int:
        """How many messages are kept."""
        return self._writing.totals[0]

    def persist(self, change: Change, by: str) -> Deferred[None]:
        """Commit a change of the rights, and who made it."""
        at = self._now()
        return self._ledger.write(lambda connection: commit_change(connection, change, by, at))

    def keep(self, message: Message, awaited: bool) -> None:
        """Keep a message.

        :raises TypeError: when its payload is not a :class:`~pkid.broker.payload.Payload`.
        """
        if not isinstance(message.payload, Payload):
            raise TypeError("only payloads of bytes with a kind can be stored")
        self._writing.add(Keep(message, awaited))

    def recall(self, recall: Recall) -> Deferred[Recalled]:
        """Find kept messages, when what was given before is committed."""
        return Deferred.fromCoroutine(self._recall(recall))

    def remember(self, component: str, pattern: Pattern, since: float) -> None:
        """Keep a subscription."""
        self._writing.add(Remember(component, pattern, since))

    def forget(self, component: str, pattern: Pattern | None = None) -> None:
        """Forget a subscription, or all that a component wanted."""
        self._writing.add(ForgetAll(component) if pattern is None else Forget(component, pattern))

    def mark(self, component: str, number: int) -> None:
        """Keep up to which message a component has received everything."""
        self._writing.add(Mark(component, number))

    def expire(self, utc: float) -> None:
        """Begin to forget messages that are too old, if that is not under way; not by a clock that has leapt ahead."""
        if self._expiring is None and self._believes(datetime.fromtimestamp(utc, UTC)):
            self._expiring = Deferred.fromCoroutine(self._expire(utc - self._limits.age.total_seconds()))
            self._expiring.addBoth(self._expired)

    @property
    def _patience(self) -> timedelta:
        """How far the clock may leap unnoticed; not so far that everything is forgotten, or kept much longer."""
        return min(self._limits.age / 2, _LONGEST_PATIENCE)

    def _believes(self, wall: datetime) -> bool:
        believed = self._trusted.believes(wall, timedelta(seconds=self._clock.seconds()))
        if not believed and not self._doubts:
            self._log.warn(
                "no message is forgotten: the clock has leapt ahead to {now}; it is believed when it has gone on for"
                " {patience}", now=wall.isoformat(timespec="seconds"), patience=self._patience,
            )  # fmt: skip
        self._doubts = not believed
        return believed

    async def _recall(self, recall: Recall) -> Recalled:
        await self._writing.settled()
        recollection = Recollection(recall)
        while True:
            recalled = await self._read(recollection.look_on)
            if recalled is not None:
                return recalled

    async def _expire(self, before: float) -> None:
        beyond: int | None = 0
        while beyond is not None:
            beyond, self._writing.totals = await self._messages.write(_step_of_expiry(before, beyond))
            if beyond is not None:
                await deferLater(self._clock, _PAUSE)

    def _expired(self, result: Failure | None) -> None:
        self._expiring = None
        if isinstance(result, Failure) and not result.check(CancelledError):
            self._log.error("old messages could not be forgotten: {problem}", problem=result.value)


def _load(connection: Connection) -> tuple[tuple[Absentee, ...], int, list[str], float | None, tuple[int, int]]:
    messages = SQLMessages(connection)
    absentees = SQLSubscriptions(connection).absentees()
    return absentees, messages.last_number(), messages.tenants(), messages.newest(), messages.totals()


def _step_of_expiry(before: float, beyond: int) -> Callable[[Connection], tuple[int | None, tuple[int, int]]]:
    def step(connection: Connection) -> tuple[int | None, tuple[int, int]]:
        messages = SQLMessages(connection)
        return messages.expire(before, beyond), messages.totals()

    return step
