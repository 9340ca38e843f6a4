"""What the broker's service may expect of a store; which database is behind it is not told here.

Everything here is called in the reactor's thread. What is given to a store is done in the order in which it is given:
a recall finds each message that was given to :meth:`BrokerStore.keep` before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred

from pkid.broker.changes import Change
from pkid.broker.effects import Recall
from pkid.broker.inputs import Recalled
from pkid.broker.message import Message
from pkid.broker.topic import Pattern
from pkid.errors import PkidError

__all__ = ["Absentee", "BrokerStore", "Kept", "Stored"]

Kept = Callable[[Sequence[int], PkidError | None], None]
"""Is told the numbers of messages that are committed, or why they could not be."""


@dataclass(frozen=True, slots=True)
class Absentee:
    """A proven component that subscribed to something before the start.

    :ivar subscriptions: the topics and patterns, each with its *since*, in seconds.
    :ivar mark: the number of the message up to which it received everything.
    """

    component: str
    subscriptions: tuple[tuple[Pattern, float], ...]
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """What a broker begins with.

    :ivar changes: make fresh rights those that held last.
    :ivar last_number: the highest number of a kept message, and of a mark: new messages get higher ones.
    """

    changes: tuple[Change, ...] = ()
    absentees: tuple[Absentee, ...] = ()
    last_number: int = 0


class BrokerStore(Protocol):
    """A place that keeps what the broker must not forget."""

    def begin(self, kept: Kept) -> Stored:
        """Return what is stored; blocks, so it is called once, before the reactor runs.

        :param kept: is called, in the reactor's thread, for each group of messages that was committed or failed, those
            alone whose keeping is awaited; also from within :meth:`keep`.
        :raises Unavailable: ``store`` when it cannot be read.
        """

    def persist(self, change: Change, by: str) -> Deferred[None]:
        """Commit a change of the rights, and who made it; fire once that is durable.

        Fails with :class:`~pkid.errors.Unavailable`: then nothing was changed.

        :param by: the component, or the credential of the operator.
        """

    def keep(self, message: Message, awaited: bool) -> None:
        """Keep a message, in its place among those of its tenant; once if it comes twice."""

    def recall(self, recall: Recall) -> Deferred[Recalled]:
        """Find kept messages; fails with :class:`~pkid.errors.Unavailable`."""

    def remember(self, component: str, pattern: Pattern, since: float) -> None:
        """Keep a subscription."""

    def forget(self, component: str, pattern: Pattern | None = None) -> None:
        """Forget a subscription, or all that a component wanted, and its mark."""

    def mark(self, component: str, number: int) -> None:
        """Keep up to which message a component has received everything."""

    def expire(self, utc: float) -> None:
        """Begin to forget messages that are too old at this instant, seconds since the epoch; called every minute."""
