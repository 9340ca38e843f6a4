"""What the core tells a session: answers to the effects that ask for one, and events of the connection."""

from __future__ import annotations

from dataclasses import dataclass, field

from pkid.broker.commands import RequestId
from pkid.broker.effects import CloseReason, Recall
from pkid.broker.message import Message
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


@dataclass(frozen=True, slots=True)
class Known:
    """Which kinds of proof a name may use; none when it has no credential."""

    offers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Challenged:
    """The proof goes on: this is the next thing to answer."""

    challenge: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The proof was good."""

    name: str
    evidence: object = field(default=None, repr=False)
    """What proves the core to the client in turn; handed on with the welcome."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The proof was not good."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What the session asked the core to do was done, durably."""

    request: RequestId | None


@dataclass(frozen=True, slots=True)
class Failure:
    """What the session asked the core to do was not done."""

    request: RequestId | None
    error: PkidError


@dataclass(frozen=True, slots=True)
class Recalled:
    """Kept messages that were asked for, oldest first."""

    recall: Recall
    """What asked for them."""
    messages: tuple[Message, ...]
    more: bool
    """Whether there are more behind them."""


# Events of the connection


@dataclass(frozen=True, slots=True)
class Pause:
    """The transport holds more than it should; write nothing more."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The transport can take more, about so many bytes."""

    room: int = 1 << 16


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The core wants the session closed."""

    reason: CloseReason


Input = Known | Challenged | Admitted | Denied | Committed | Failure | Recalled | Pause | Ready | Lost | Disconnect
