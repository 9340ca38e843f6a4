"""Those who take part: a connection without a name, or a named component across its connections."""

from __future__ import annotations

from dataclasses import dataclass, field

from pkid.broker.backlog import Backlog
from pkid.broker.commands import RequestId
from pkid.broker.effects import Recall
from pkid.broker.identity import Identity
from pkid.broker.policy import Policy
from pkid.broker.receipts import Outstanding, Received
from pkid.broker.topic import Pattern

__all__ = ["Peer", "PendingCall", "Subscription"]


@dataclass(slots=True, eq=False)
class PendingCall:
    """A call that waits for its answer."""

    number: int
    caller: Peer
    request: RequestId | None
    exposer: Peer | None
    """Who is to answer; ``None``: the core itself."""
    topic: str
    segments: tuple[str, ...]
    deadline: float


@dataclass(slots=True)
class Subscription:
    """What a peer wants of a topic or pattern."""

    since: float
    """From how many seconds ago."""
    mark: int = 0
    """The number of the message up to which the peer got what it wants."""


@dataclass(slots=True, eq=False)
class Peer:
    """What the broker knows of one that takes part.

    A component that did not prove its name is another peer than the one that did.
    """

    identity: Identity
    policy: Policy
    session: int | None = None
    """Its session's number; ``None`` while it is away."""
    active: bool = False
    """Whether it takes messages."""

    subscriptions: dict[Pattern, Subscription] = field(default_factory=dict)
    patterns: int = 0
    """How many of its subscriptions are to patterns."""
    exposed: dict[str, None] = field(default_factory=dict)
    recalls: list[Recall] = field(default_factory=list)
    """What is being recalled for it, one after the other; new messages wait meanwhile."""
    recall_due: bool = False
    """Whether the next part of the first recall waits until the transport can take it."""
    recalling: bool = False
    """Whether something was asked of the past that is not here yet: one thing at a time."""

    paused: bool = False
    backlog: Backlog = field(init=False)
    sent: dict[int, Outstanding] = field(default_factory=dict)
    """What it has not acknowledged, by the messages' numbers."""
    received: Received = field(init=False)

    calls: dict[RequestId | None, PendingCall] = field(default_factory=dict)
    """Its own calls, by what it calls them."""
    serving: dict[int, PendingCall] = field(default_factory=dict)
    """The calls that it is to answer, by number."""

    def __post_init__(self) -> None:
        self.backlog = Backlog(self.policy)
        self.received = Received(self.policy.remembered)

    @property
    def is_slow(self) -> bool:
        """Whether what is for it has to wait."""
        full = len(self.sent) >= self.policy.unacknowledged
        return self.paused or bool(self.recalls) or full or len(self.backlog) > 0

    @property
    def wants_history(self) -> bool:
        """Whether it is to get, later, what it does not get now."""
        return any(subscription.since > 0 for subscription in self.subscriptions.values())
