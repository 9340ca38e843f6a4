"""A wall clock that is not believed when it has leapt ahead, for whoever forgets what is too old by it.

What is forgotten does not come back. A leap is believed when the clock has gone on from there without another one, by a
clock that only goes forward. Both are read by others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["TrustedTime"]


@dataclass(frozen=True, slots=True)
class _Doubt:
    """When, by both clocks, the wall clock was first seen ahead."""

    wall: datetime
    steady: timedelta


class TrustedTime:
    """Believes a wall clock that goes on, and one that has leapt ahead only when it has gone on from there for a while.

    :param known: a time that was certainly past, aware UTC; what the newest entry of a store says.
    :param patience: how far it may leap unnoticed, and for how long it must go on after a longer leap.
    """

    def __init__(self, known: datetime, patience: timedelta) -> None:
        self._known = known
        self._patience = patience
        self._doubt: _Doubt | None = None

    def believes(self, wall: datetime, steady: timedelta) -> bool:
        """Tell whether the wall clock's time is to be believed.

        :param wall: the time that it shows, aware UTC.
        :param steady: the time of a clock that only goes forward, from any beginning.
        """
        if wall - self._known > self._patience and not self._has_stood(wall, steady):
            return False
        self._known, self._doubt = wall, None
        return True

    def _has_stood(self, wall: datetime, steady: timedelta) -> bool:
        doubt = self._doubt
        if doubt is None or abs((wall - doubt.wall) - (steady - doubt.steady)) > self._patience:
            self._doubt = _Doubt(wall, steady)
            return False
        return steady - doubt.steady >= self._patience
