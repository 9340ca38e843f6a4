"""What an operator may choose about the broker, and its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from pkid.broker.topic import Pattern

__all__ = ["Choice", "Duplicates", "Overflow", "Policy"]


class Duplicates(Enum):
    """What happens when a component connects that is connected already, with the same standing."""

    REFUSE = "refuse"
    REPLACE = "replace"


class Overflow(Enum):
    """What happens when more waits for a subscriber than may wait."""

    DROP_OLDEST = "drop-oldest"
    DROP_NEWEST = "drop-newest"
    DISCONNECT = "disconnect"


class Choice(Enum):
    """Which of several exposers answers a call."""

    FIRST_UP = "first-up"
    ROUND_ROBIN = "round-robin"
    LESS_BUSY = "less-busy"


@dataclass(frozen=True, slots=True)
class Policy:
    """The choices, with defaults that are safe for strangers; the limits are per session unless it says otherwise."""

    authenticated: bool = False
    """Whether only those are served who proved a name."""
    claimed_tenants: bool = False
    """Whether a name that was not proven takes its bearer into the name's tenant; else it is not let in."""
    login_time: timedelta = timedelta(seconds=5)
    """How long a login may take."""
    registrations: int = 3
    """How many registrations of a connection may fail, or be under way."""
    duplicates: Duplicates = Duplicates.REPLACE
    """Of proven names: a component that lost its connection must not wait until that is noticed here, too."""
    choice: Choice = Choice.FIRST_UP

    subscriptions: int = 1000
    patterns: int = 100
    """Subscriptions to patterns, of all subscriptions."""
    exposures: int = 1000
    calls: int = 256
    """Calls of one caller that wait for an answer."""
    call_time: timedelta = timedelta(seconds=10)
    """How long a call waits for its answer when the caller does not say."""
    longest_call: timedelta = timedelta(minutes=5)

    backlog_bytes: int = 1 << 20
    backlog_entries: int = 10_000
    overflow: Overflow = Overflow.DROP_OLDEST
    unacknowledged: int = 256
    """Messages sent to a subscriber that it did not acknowledge yet; further ones wait."""
    acknowledge_time: timedelta = timedelta(seconds=2)
    """After how long a message is sent again that was not acknowledged."""
    sends: int = 11
    """How often a message is sent at most."""
    remembered: int = 1024
    """Publications of a session whose numbers are remembered, so that one that comes twice is passed on once."""
    absent: int = 1000
    """Names that were not proven and left, in the whole broker, whose subscriptions are remembered."""
    absent_topics: int = 10_000
    """Topics and patterns that all of these together subscribed to or expose."""

    retained: tuple[Pattern, ...] = field(default=())
    """Topics whose messages are kept for those who come later, whoever is subscribed."""
    recalled: int = 256
    """Kept messages that are brought at a time."""
