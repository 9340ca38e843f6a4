"""A store that forgets everything when the core ends: for tests, and as the model of those that do not."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed

from pkid.broker.changes import Change, changes_to
from pkid.broker.effects import Recall
from pkid.broker.inputs import Recalled
from pkid.broker.kept import KeptMessages
from pkid.broker.message import Message
from pkid.broker.rights import Rights
from pkid.broker.topic import Pattern
from pkid.messaging.store import Absentee, Kept, Stored

__all__ = ["MemoryBrokerStore"]


class MemoryBrokerStore:
    """A :class:`~pkid.messaging.store.BrokerStore` in memory, which commits at once."""

    def __init__(self, kept: KeptMessages | None = None) -> None:
        self._messages = kept or KeptMessages()
        self._rights = Rights()
        self._subscriptions: dict[str, dict[Pattern, float]] = {}
        self._marks: dict[str, int] = {}
        self._last_number = 0
        self._kept: Kept = _nobody

    def begin(self, kept: Kept) -> Stored:
        """Return what is stored."""
        self._kept = kept
        absentees = tuple(
            Absentee(component, tuple(wanted.items()), self._marks.get(component, 0))
            for component, wanted in self._subscriptions.items()
        )
        return Stored(tuple(changes_to(self._rights)), absentees, self._last_number)

    def persist(self, change: Change, by: str) -> Deferred[None]:
        """Keep a change of the rights."""
        change.apply(self._rights)
        return succeed(None)

    def keep(self, message: Message, awaited: bool) -> None:
        """Keep a message."""
        self._messages.keep(message)
        self._last_number = max(self._last_number, message.number)
        if awaited:
            self._kept([message.number], None)

    def recall(self, recall: Recall) -> Deferred[Recalled]:
        """Find kept messages."""
        return succeed(self._messages.recall(recall))

    def remember(self, component: str, pattern: Pattern, since: float) -> None:
        """Keep a subscription."""
        self._subscriptions.setdefault(component, {})[pattern] = since

    def forget(self, component: str, pattern: Pattern | None = None) -> None:
        """Forget a subscription, or all of a component."""
        wanted = self._subscriptions.get(component, {})
        if pattern is not None:
            wanted.pop(pattern, None)
        if pattern is None or not wanted:
            self._subscriptions.pop(component, None)
            self._marks.pop(component, None)

    def mark(self, component: str, number: int) -> None:
        """Keep up to which message a component has received everything."""
        self._marks[component] = number
        self._last_number = max(self._last_number, number)

    def expire(self, utc: float) -> None:
        """Forget messages that are too old."""
        self._messages.expire(utc)


def _nobody(numbers: object, error: object) -> None:
    """Tell nobody, before the begin."""
