"""What the core tells a session: answers to the effects that ask for one, and events of the connection."""

from __future__ import annotations

from dataclasses import field

from pkid.broker.commands import RequestId
from pkid.broker.effects import CloseReason, Recall
from pkid.broker.message import Message
from pkid.broker.values import value
from pkid.errors import PkidError

__all__ = [
    "Admitted",
    "Challenged",
    "Committed",
    "Denied",
    "Disconnect",
    "Failure",
    "Input",
    "Known",
    "Lost",
    "Pause",
    "Ready",
    "Recalled",
]


# Answers


@value
class Known:
    """Which kinds of proof a name may use; none when it has no credential."""

    offers: tuple[str, ...]


@value
class Challenged:
    """The proof goes on: this is the next thing to answer."""

    challenge: object = field(repr=False)


@value
class Admitted:
    """The proof was good."""

    name: str
    evidence: object = field(default=None, repr=False)
    """What proves the core to the client in turn; handed on with the welcome."""


@value
class Denied:
    """The proof was not good."""


@value
class Committed:
    """What the session asked the core to do was done, durably."""

    request: RequestId | None


@value
class Failure:
    """What the session asked the core to do was not done."""

    request: RequestId | None
    error: PkidError


@value
class Recalled:
    """Kept messages that were asked for, oldest first."""

    recall: Recall
    """What asked for them."""
    messages: tuple[Message, ...]
    more: bool
    """Whether there are more behind them."""


# Events of the connection


@value
class Pause:
    """The transport holds more than it should; write nothing more."""


@value
class Ready:
    """The transport can take more, about so many bytes."""

    room: int = 1 << 16


@value
class Lost:
    """The connection is gone."""


@value
class Disconnect:
    """The core wants the session closed."""

    reason: CloseReason


Input = Known | Challenged | Admitted | Denied | Committed | Failure | Recalled | Pause | Ready | Lost | Disconnect
