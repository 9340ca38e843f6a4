"""What the machine had to give meanwhile: a virtual one shares its processors with others that it does not see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ticks"]

_STEAL = 7  # place in /proc/stat: proc(5)
_ALL = 8  # the others count guests a second time


@dataclass(frozen=True, slots=True)
class Ticks:
    """How the time of all processors was spent until a moment.

    :ivar whole: all of it, idle or not; *stolen*: in which somebody else had a processor that was wanted here.
    """

    whole: int
    stolen: int

    @classmethod
    def read(cls, line: str) -> Ticks:
        """Read the first line of ``/proc/stat``."""
        numbers = [int(word) for word in line.split()[1 : 1 + _ALL]]
        return cls(sum(numbers), numbers[_STEAL])

    @classmethod
    def now(cls) -> Ticks:
        """Return those until now."""
        return cls.read(Path("/proc/stat").read_text().partition("\n")[0])

    def stolen_since(self, before: Ticks) -> float:
        """Return which share of the time since then was stolen."""
        return (self.stolen - before.stolen) / max(1, self.whole - before.whole)
