"""What an operator may choose about the broker at work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from pkid.broker.policy import Policy
from pkid.messaging.occupancy import Places
from pkid.messaging.rates import Rates

__all__ = ["LONGEST_TURN", "Keeping", "Terms"]

LONGEST_TURN = 0.005
"""Seconds that what one client sent may take before others have their turn."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much is kept of messages.

    :ivar age: how old one may become.
    :ivar room: bytes of one tenant's messages.
    :ivar most: messages of one tenant.
    """

    age: timedelta = timedelta(days=7)
    room: int = 1 << 30
    most: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Terms:
    """The choices, with defaults that are safe for strangers.

    :ivar private_by_default: whether a topic of which nobody said anything is private.
    :ivar message_size: bytes that doors take of one message, call or answer.
    """

    policy: Policy = field(default_factory=Policy)
    private_by_default: bool = False
    message_size: int = 1 << 20
    places: Places = field(default_factory=Places)
    rates: Rates = field(default_factory=Rates)
    keeping: Keeping = field(default_factory=Keeping)
