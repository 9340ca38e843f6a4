"""What a session's client asks for."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import field
from enum import Enum

from pkid.broker.changes import Change
from pkid.broker.message import QoS
from pkid.broker.payload import Payloads
from pkid.broker.rules import Verb
from pkid.broker.values import value

__all__ = [
    "LAST_RECEIVED",
    "NOW",
    "Acknowledge",
    "AcknowledgeBatch",
    "Administer",
    "Answer",
    "Call",
    "Cancel",
    "Command",
    "Complete",
    "Explain",
    "Expose",
    "Identify",
    "Inspect",
    "Prove",
    "Publish",
    "PublishBatch",
    "PublishSeries",
    "React",
    "Register",
    "RequestId",
    "Setup",
    "Subscribe",
    "Unexpose",
    "Unregister",
    "Unsubscribe",
    "View",
]

RequestId = Hashable
"""What the client calls its request; it comes back with the answer and means nothing to the broker."""

NOW = 0.0
"""A subscription's *since*: nothing from before."""
LAST_RECEIVED = float("inf")
"""A subscription's *since*: all that came since its component was last there."""


@value
class Command:
    """Something that the client asks for."""

    request: RequestId | None
    """``None``: it wants no answer."""


# Logging in


@value
class Identify(Command):
    """Say a name."""

    name: str


@value
class Prove(Command):
    """Show a proof that the name is one's own."""

    name: str
    proof: object = field(repr=False)
    """Credentials for the portal; the broker never looks in."""


@value
class Register(Command):
    """Give a name a key: its first one, or one of the session's own name."""

    name: str
    credential: object = field(repr=False)
    """The key, and what entitles to register it; the broker never looks in."""


@value
class Unregister(Command):
    """Forget the key of the session's own name."""


# Topics


@value
class Publish(Command):
    """Send something to all who subscribed to a topic."""

    topic: str
    payload: object = field(repr=False)
    size: int
    """Bytes that the payload takes while it waits."""
    qos: QoS = QoS.AT_MOST_ONCE
    slot: int | None = None


@value
class PublishBatch(Command):
    """Send several things, one after the other, to all who subscribed to a topic."""

    topic: str
    payloads: Payloads
    requests: tuple[RequestId, ...] = ()
    """What each is called, when each is to arrive at least once; none when each is sent at most once."""

    @property
    def qos(self) -> QoS:
        """How often each is to arrive."""
        return QoS.AT_LEAST_ONCE if self.requests else QoS.AT_MOST_ONCE

    @property
    def parts(self) -> Iterator[Publish]:
        """What does the same, one by one."""
        requests = self.requests or (self.request,) * len(self.payloads)
        for request, payload in zip(requests, self.payloads, strict=True):
            yield Publish(request, self.topic, payload, len(payload.data), self.qos)


@value
class PublishSeries(Command):
    """Send several things, one after the other, each at most once to all who subscribed to its topic."""

    topics: tuple[str, ...]
    payloads: Payloads

    @property
    def parts(self) -> Iterator[Publish]:
        """What does the same, one by one."""
        for topic, payload in zip(self.topics, self.payloads, strict=True):
            yield Publish(self.request, topic, payload, len(payload.data))


@value
class Complete(Command):
    """Say that the acknowledgement of an exactly-once message arrived, whose number may be forgotten."""


@value
class Acknowledge(Command):
    """Say that a message arrived."""

    number: int


@value
class AcknowledgeBatch(Command):
    """Say that several messages arrived."""

    numbers: tuple[int, ...]


@value
class Subscribe(Command):
    """Ask for the messages of a topic, or of all topics that a pattern means."""

    topic: str
    since: float | None = None
    """From how many seconds ago, :data:`NOW` or :data:`LAST_RECEIVED`; ``None``: as before, and else :data:`NOW`."""


@value
class Unsubscribe(Command):
    """Want them no longer."""

    topic: str


@value
class React(Command):
    """Begin, or cease, to take messages."""

    active: bool
    since: float | None = None
    """Nothing from longer ago than so many seconds; ``None``: what the subscriptions say."""


@value
class Setup(Command):
    """Expose and subscribe to many topics at once, and react, as after a reconnect."""

    exposed: tuple[str, ...]
    subscribed: tuple[tuple[str, float | None], ...]
    """Topics and patterns, each with its *since*."""


# Calls


@value
class Expose(Command):
    """Offer to answer calls of a topic."""

    topic: str


@value
class Unexpose(Command):
    """Offer it no longer."""

    topic: str


@value
class Call(Command):
    """Have a topic's exposer do something, and wait for its answer."""

    topic: str
    payload: object = field(repr=False)
    size: int
    target: str | None = None
    """The component that is to answer."""
    seconds: float | None = None
    """How long the answer is of use."""


@value
class Cancel(Command):
    """Want the answer of the call *request* no longer."""


@value
class Answer(Command):
    """Answer an invocation."""

    number: int
    payload: object = field(repr=False)
    size: int
    failed: bool = False
    """Whether the payload tells what went wrong."""


# Rights


@value
class Administer(Command):
    """Change the rights."""

    change: Change


class View(Enum):
    """What can be looked at."""

    SESSIONS = "sessions"
    """:class:`pkid.broker.overview.SessionFacts`, one for each."""
    TOPICS = "topics"
    """:class:`pkid.broker.overview.TopicFacts`, one for each."""
    RIGHTS = "rights"
    """The changes that make fresh rights the same as these."""


@value
class Inspect(Command):
    """Look at sessions, topics or rights; for admins."""

    view: View


@value
class Explain(Command):
    """Ask why a component may, or may not, do something: an admin of anybody, others of themselves."""

    verb: Verb
    topic: str
    component: str | None = None
    """``None``: whoever asks."""
