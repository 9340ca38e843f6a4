"""What comes out: what the doors are to send, and what the core is to do.

A session is named by the number that it got when it connected.
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum

from pkid.broker.changes import Change
from pkid.broker.commands import RequestId
from pkid.broker.identity import Identity
from pkid.broker.message import Batch, Invocation, Message, Series
from pkid.broker.replies import Reply
from pkid.broker.topic import Pattern
from pkid.broker.values import value

__all__ = [
    "Audit",
    "Authenticate",
    "Close",
    "CloseReason",
    "Deliver",
    "DeliverBatch",
    "Effect",
    "Enroll",
    "Event",
    "Forget",
    "Invoke",
    "Keep",
    "LookUp",
    "Mark",
    "Persist",
    "Recall",
    "Remember",
    "Revoke",
    "Send",
    "Serve",
    "Undelivered",
    "Wanted",
]


class CloseReason(Enum):
    """Why a session ends: a stable code, and a sentence for its client."""

    LOST = "lost", "the connection is gone"
    LEFT = "left", "the client said goodbye"
    IDLE = "idle", "nothing was heard for too long"
    MALFORMED = "malformed", "what was sent could not be read"
    OUT_OF_ORDER = "out-of-order", "that could not be said at this point"
    LOGIN_TIME = "login-time", "the login took too long"
    LOGIN_SIZE = "login-size", "too much was sent before the login"
    LOGIN_FAILED = "login-failed", "the login failed"
    PROOF_NEEDED = "proof-needed", "this broker serves only those who proved a name"
    REPLACED = "replaced", "the component connected again"
    EXPELLED = "expelled", "the name may no longer be used this way"
    KICKED = "kicked", "an operator ended the session"
    OVERFLOW = "overflow", "too much waited to be read"
    BUSY = "busy", "too much waits to be checked; try again"
    STORE = "store", "what was kept cannot be read; try again"
    DRAINING = "draining", "the broker is stopping"

    code: str
    sentence: str

    def __new__(cls, code: str, sentence: str) -> CloseReason:
        """Make the code the value."""
        member = object.__new__(cls)
        member._value_ = code
        member.code = code
        member.sentence = sentence
        return member


class Event(Enum):
    """What the audit trail tells of."""

    OPENED = "opened"
    DENIED = "denied"
    CHANGE = "change"
    REGISTER = "register"
    FORBIDDEN = "forbidden"


# Effects: what the doors do


@value
class Send:
    """Tell one client something."""

    session: int
    reply: Reply


@value
class Deliver:
    """Write one message to some sessions, all of which may have it."""

    sessions: tuple[int, ...]
    message: Message
    pattern: Pattern | None = None
    """The subscribed pattern that meant the topic; ``None`` when the topic itself is subscribed."""
    again: bool = False
    """Whether it was sent before, and not acknowledged."""


@value
class DeliverBatch:
    """Write the messages of a batch, in their order, to some sessions, all of which may have them."""

    sessions: tuple[int, ...]
    batch: Batch | Series
    pattern: Pattern | None = None


@value
class Invoke:
    """Have one session answer a call."""

    session: int
    invocation: Invocation


@value
class Close:
    """Close one session; nothing more comes of it."""

    session: int
    reason: CloseReason


# Effects: what the core does, and answers


@value
class LookUp:
    """Find which proofs a name may use; answer with `Known`, and hide from strangers which names exist if need be."""

    session: int
    name: str


@value
class Authenticate:
    """Check a proof; answer with `Admitted`, `Denied` or `Challenged`."""

    session: int
    name: str
    proof: object = field(repr=False)
    challenge: bytes


@value
class Enroll:
    """Register a key if its bearer is entitled to; answer with `Committed` or `Failure`."""

    session: int
    request: RequestId | None
    name: str
    credential: object = field(repr=False)
    identity: Identity
    """Who asks."""


@value
class Revoke:
    """Forget a component's key; answer with `Committed` or `Failure`."""

    session: int
    request: RequestId | None
    name: str


@value
class Persist:
    """Commit a change of the rights, give it to `Broker.change`, then answer with `Committed` or `Failure`."""

    session: int
    request: RequestId | None
    change: Change


@value
class Serve:
    """Answer a call of one of the core's own topics, by `Broker.served`."""

    number: int
    topic: str
    payload: object = field(repr=False)
    caller: Identity


@value
class Keep:
    """Keep a message for those who come later; say `Broker.kept` once it is committed if that is awaited."""

    message: Message
    awaited: bool
    """Whether an acknowledgement waits for it."""


@value
class Wanted:
    """Which kept messages somebody wants."""

    pattern: Pattern
    since: float
    """Received at or after this instant, seconds since the epoch."""
    beyond: int
    """With a higher number than this."""


@value
class Recall:
    """Bring kept messages of a tenant, oldest first; answer with `Recalled`."""

    session: int
    tenant: str
    wanted: tuple[Wanted, ...]
    beyond: int
    """Only messages with higher numbers than this: what comes before was brought already."""
    until: int
    """Only messages with numbers up to this: what comes later is delivered as it comes."""
    most: int
    """At most so many."""
    room: int
    """At most so many bytes, but at least one message."""


@value
class Remember:
    """Keep a proven component's subscription; nothing answers."""

    component: str
    pattern: Pattern
    since: float


@value
class Forget:
    """Forget a proven component's subscription; nothing answers."""

    component: str
    pattern: Pattern


@value
class Mark:
    """Keep up to which message a proven component has received everything; nothing answers."""

    component: str
    number: int


@value
class Undelivered:
    """A message was given up for one subscriber; for figures and logs."""

    session: int
    message: Message
    why: str


@value
class Audit:
    """Write down that something was decided."""

    event: Event
    allowed: bool
    session: int
    identity: Identity
    detail: str


Effect = (
    Send
    | Deliver
    | DeliverBatch
    | Invoke
    | Close
    | LookUp
    | Authenticate
    | Enroll
    | Revoke
    | Persist
    | Serve
    | Keep
    | Recall
    | Remember
    | Forget
    | Mark
    | Undelivered
    | Audit
)
