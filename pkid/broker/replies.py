"""What a session's client is told."""

from __future__ import annotations

from dataclasses import field

from pkid.broker.commands import RequestId
from pkid.broker.identity import Identity
from pkid.broker.values import value
from pkid.errors import Reason

__all__ = [
    "Acknowledged",
    "AcknowledgedBatch",
    "Answered",
    "Challenge",
    "Done",
    "Draining",
    "Failed",
    "Greet",
    "Release",
    "Reply",
    "Welcome",
    "Withdrawn",
]


@value
class Greet:
    """The session began."""

    challenge: bytes
    """Random bytes, for the proof of a name."""


@value
class Challenge:
    """A proof is needed."""

    request: RequestId | None
    offers: tuple[str, ...]
    """Which kinds of proof will do."""
    challenge: object
    """The greeting's, or what follows upon the last proof."""


@value
class Welcome:
    """The session is open under a name."""

    request: RequestId | None
    identity: Identity
    warning: str = ""
    evidence: object = field(default=None, repr=False)


@value
class Done:
    """It was done."""

    request: RequestId
    value: object = None


@value
class Failed:
    """It was not done."""

    request: RequestId | None
    reason: Reason
    subject: str = ""


@value
class Acknowledged:
    """A publication arrived, as safely as its topic promises."""

    request: RequestId


@value
class AcknowledgedBatch:
    """Publications that were one command arrived, as safely as their topic promises."""

    requests: tuple[RequestId, ...]


@value
class Release:
    """An acknowledgement of an exactly-once message arrived; its number may be forgotten."""

    number: int


@value
class Answered:
    """The answer to a call."""

    request: RequestId
    payload: object = field(repr=False)
    size: int
    failed: bool


@value
class Withdrawn:
    """An invocation's answer is no longer of use."""

    number: int


@value
class Draining:
    """The broker is about to stop; connect elsewhere, or later."""


Reply = (
    Greet
    | Challenge
    | Welcome
    | Done
    | Failed
    | Acknowledged
    | AcknowledgedBatch
    | Release
    | Answered
    | Withdrawn
    | Draining
)
