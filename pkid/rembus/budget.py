"""What the Rembus door gives a connection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pkid.messaging import budget

__all__ = ["Budget"]


@dataclass(frozen=True, slots=True)
class Budget(budget.Budget):
    """What one connection may take.

    The login's limits hold where only proven names are served: elsewhere a session is open to strangers.
    """

    login: timedelta = timedelta(seconds=10)
    message: int = 1 << 20
    """Bytes of one message."""
    idle: timedelta = timedelta(minutes=1)
    answer: timedelta = timedelta(seconds=30)
