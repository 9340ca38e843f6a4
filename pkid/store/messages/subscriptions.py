"""What components want that may be away, and how far each has got, in SQL."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, delete, insert, select

from pkid.broker.topic import Pattern
from pkid.messaging.store import Absentee
from pkid.store.messages.messages import SQLMessages
from pkid.store.messages.schema import marks, subscriptions

__all__ = ["SQLSubscriptions"]


class SQLSubscriptions:
    """The remembered subscriptions and marks, on a connection whose transaction is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def remember(self, component: str, pattern: Pattern, since: float) -> None:
        """Keep a subscription, in place of a former one to the same."""
        self._remove(component, pattern)
        row = {"component": component, "topic": pattern.text, "since": since}
        self._connection.execute(insert(subscriptions).values(row))

    def forget(self, component: str, pattern: Pattern | None) -> None:
        """Forget a subscription, or all of a component; and its mark with the last one."""
        if pattern is not None:
            self._remove(component, pattern)
            other = select(subscriptions.c.topic).where(subscriptions.c.component == component).limit(1)
            if self._connection.execute(other).one_or_none() is not None:
                return
        self._connection.execute(delete(subscriptions).where(subscriptions.c.component == component))
        self._connection.execute(delete(marks).where(marks.c.component == component))

    def mark(self, component: str, number: int) -> None:
        """Keep up to which message a component has received everything."""
        self._connection.execute(delete(marks).where(marks.c.component == component))
        self._connection.execute(insert(marks).values(component=component, number=number))
        SQLMessages(self._connection).pass_number(number)

    def absentees(self) -> tuple[Absentee, ...]:
        """Return every component that wants something.

        :raises Refused: when a row holds what can be no topic.
        """
        reached = {row.component: row.number for row in self._connection.execute(select(marks))}
        wanted: defaultdict[str, list[tuple[Pattern, float]]] = defaultdict(list)
        for row in self._connection.execute(select(subscriptions).order_by(*subscriptions.primary_key)):
            wanted[row.component].append((Pattern(row.topic), row.since))
        return tuple(
            Absentee(component, tuple(patterns), reached.get(component, 0)) for component, patterns in wanted.items()
        )

    def _remove(self, component: str, pattern: Pattern) -> None:
        same = subscriptions.c.component == component, subscriptions.c.topic == pattern.text
        self._connection.execute(delete(subscriptions).where(*same))
