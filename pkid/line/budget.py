"""What the line door gives a connection before and after it knows who is there."""

from __future__ import annotations

from dataclasses import dataclass, field

from pkid.line.codec import Limits
from pkid.messaging import budget

__all__ = ["Budget"]


@dataclass(frozen=True, slots=True)
class Budget(budget.Budget):
    """What one connection may take; there is a minute for the login so that a person has the time to type a proof."""

    faults: int = 10
    """Lines in a row that cannot be read."""
    limits: Limits = field(default_factory=Limits)
