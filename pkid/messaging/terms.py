"""What an operator may choose about the broker at work."""

from __future__ import annotations

from dataclasses import dataclass, field

from pkid.broker.policy import Policy
from pkid.messaging.occupancy import Places
from pkid.messaging.rates import Rates

__all__ = ["Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """The choices, with defaults that are safe for strangers.

    :ivar private_by_default: whether a topic of which nobody said anything is private.
    """

    policy: Policy = field(default_factory=Policy)
    private_by_default: bool = False
    places: Places = field(default_factory=Places)
    rates: Rates = field(default_factory=Rates)
