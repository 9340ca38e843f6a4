"""Kept messages in SQL: added in groups, forgotten in bounded steps by what is too much and what is too old."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from pkid.broker.message import Message
from pkid.store.messages.rows import row_of
from pkid.store.messages.schema import messages, progress, usage
from pkid.store.prepared import Insertion, Prepared

__all__ = ["STEP", "Limits", "SQLMessages"]

STEP = 512
"""How many messages are forgotten at most in one transaction: some milliseconds of the store's time."""


_INSERT = Insertion(messages, tuple(column.name for column in messages.columns))
_LAST_NUMBER = Prepared(select(progress.c.last_number))
_PASS_NUMBER = Prepared(
    update(progress).where(progress.c.last_number < bindparam("passed")).values(last_number=bindparam("passed"))
)
_PASS_NEW_NUMBERS = Prepared(
    update(progress).where(progress.c.last_number < bindparam("first")).values(last_number=bindparam("passed"))
)
_FORMER = select(messages.c.number)
_USAGE = Prepared(select(usage.c.tenant, usage.c.messages, usage.c.bytes))
_COUNT = Prepared(
    update(usage)
    .where(usage.c.tenant == bindparam("whose"))
    .values(messages=usage.c.messages + bindparam("more"), bytes=usage.c.bytes + bindparam("more_bytes"))
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept.

    :ivar most: messages of one tenant.
    :ivar room: bytes of one tenant's messages.
    :ivar age: how old a message may become.
    """

    most: int = 1_000_000
    room: int = 1 << 30
    age: timedelta = timedelta(days=7)


class SQLMessages:
    """The kept messages, on a connection whose transaction is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._usage: dict[str, tuple[int, int]] | None = None  # as long as it is known

    def keep(self, group: Sequence[Message]) -> None:
        """Add messages, each once if it comes twice.

        :raises TypeError: when a payload cannot be stored.
        """
        fresh = self._unknown(group)
        if fresh:
            _INSERT.run(self._connection, [row_of(message) for message in fresh])
            self._count((message.tenant, 1, message.size) for message in fresh)

    def last_number(self) -> int:
        """Return the highest number that was passed."""
        number: int = _LAST_NUMBER.run(self._connection).scalar_one()
        return number

    def newest(self) -> float | None:
        """Return when the newest message was received, seconds since the epoch."""
        last = select(messages.c.received_at).order_by(messages.c.number.desc()).limit(1)
        return self._connection.execute(last).scalar_one_or_none()

    def pass_number(self, number: int) -> None:
        """See to it that no new message gets a number up to this one."""
        _PASS_NUMBER.run(self._connection, passed=number)

    def tenants(self) -> list[str]:
        """Return the tenants with messages."""
        return list(self._connection.execute(select(usage.c.tenant).where(usage.c.messages > 0)).scalars())

    def totals(self) -> tuple[int, int]:
        """Return how many messages are kept, and how many bytes they come to."""
        found = self._find_usage().values()
        return sum(number for number, _ in found), sum(size for _, size in found)

    def trim(self, tenant: str, limits: Limits) -> bool:
        """Forget a tenant's oldest messages, as far as it has too many; tell whether there are too many still."""
        number, size = self._find_usage().get(tenant, (0, 0))
        too_many, too_much = number - limits.most, size - limits.room
        if not number or (too_many <= 0 and too_much <= 0):
            return False
        oldest = select(messages.c.number, messages.c.size).where(messages.c.tenant == tenant)
        last, forgotten = 0, 0
        for row in self._connection.execute(oldest.order_by(messages.c.number).limit(STEP)).all():
            if too_many <= 0 and too_much <= 0:
                break
            last, forgotten = row.number, forgotten + 1
            too_many, too_much = too_many - 1, too_much - row.size
        if forgotten:
            old = messages.c.tenant == tenant, messages.c.number <= last
            self._connection.execute(delete(messages).where(*old))
            remains = {"messages": limits.most + too_many, "bytes": limits.room + too_much}
            self._connection.execute(update(usage).where(usage.c.tenant == tenant).values(remains))
            self._usage = None
        return bool(too_many > 0 or too_much > 0)

    def expire(self, before: float, beyond: int) -> int | None:
        """Forget messages that were received before an instant, among the next ones; return how far that came.

        :param before: seconds since the epoch.
        :param beyond: looks at messages with higher numbers than this.
        :return: what to go on with; ``None`` when those that follow are not so old.
        """
        columns = messages.c.number, messages.c.tenant, messages.c.size, messages.c.received_at
        next_ones = select(*columns).where(messages.c.number > beyond).order_by(messages.c.number).limit(STEP)
        looked_at = self._connection.execute(next_ones).all()
        old = [row for row in looked_at if row.received_at < before]
        if old:
            self._connection.execute(delete(messages).where(messages.c.number.in_([row.number for row in old])))
            self._count((row.tenant, -1, -row.size) for row in old)
        return looked_at[-1].number if old and len(looked_at) == STEP else None

    def _unknown(self, group: Iterable[Message]) -> list[Message]:
        """Return the messages that are not kept yet, in the order of their numbers."""
        given = {message.number: message for message in group}
        if given and not self._pass_new(given):
            last = self.last_number()
            former = [number for number in given if number <= last]
            self.pass_number(max(given))
            for number in self._connection.execute(_FORMER.where(messages.c.number.in_(former))).scalars():
                del given[number]
        return sorted(given.values(), key=lambda message: message.number)

    def _pass_new(self, numbers: Collection[int]) -> bool:
        """Pass these numbers if none was passed before, as mostly; tell whether that is so."""
        return bool(_PASS_NEW_NUMBERS.run(self._connection, first=min(numbers), passed=max(numbers)).rowcount)

    def _find_usage(self) -> dict[str, tuple[int, int]]:
        """Return how many messages each tenant has, and how many bytes they come to."""
        if self._usage is None:
            found = _USAGE.run(self._connection)
            self._usage = {row.tenant: (row.messages, row.bytes) for row in found}
        return self._usage

    def _count(self, differences: Iterable[tuple[str, int, int]]) -> None:
        self._usage = None
        counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for tenant, number, size in differences:
            counts[tenant][0] += number
            counts[tenant][1] += size
        for tenant, (number, size) in counts.items():
            if not _COUNT.run(self._connection, whose=tenant, more=number, more_bytes=size).rowcount:
                self._connection.execute(insert(usage).values(tenant=tenant, messages=number, bytes=size))
