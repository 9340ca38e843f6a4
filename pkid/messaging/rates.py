"""How much a session may ask for in a second. Pure: the time is a parameter."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Allowance", "Rates"]


@dataclass(frozen=True, slots=True)
class Rates:
    """What each session may ask for.

    :ivar commands: how many a second; 0 for any number.
    :ivar bytes: of payload, how many a second; 0 for any number.
    """

    commands: int = 0
    bytes: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return self.commands > 0 or self.bytes > 0


class Allowance:
    """What one session may still ask for: two buckets, each filled at its rate and holding what one second brings.

    A command may take more than there is; whoever gave it then has to wait until that is made up for. So a message that
    is larger than a bucket is late, and not impossible.
    """

    __slots__ = ("_bytes", "_commands", "_rates", "_since")

    def __init__(self, rates: Rates, now: float) -> None:
        self._rates = rates
        self._commands = float(rates.commands)
        self._bytes = float(rates.bytes)
        self._since = now

    def take(self, size: int, now: float) -> float:
        """Take one command and its bytes; return for how many seconds to read nothing further.

        :param now: seconds of a clock that only goes forward.
        """
        passed, self._since = now - self._since, now
        commands, room = self._rates.commands, self._rates.bytes
        self._commands = min(self._commands + passed * commands, commands) - 1
        self._bytes = min(self._bytes + passed * room, room) - size
        return max(_debt(self._commands, commands), _debt(self._bytes, room))


def _debt(level: float, rate: int) -> float:
    """Return the seconds until a bucket is not below empty any more."""
    return -level / rate if rate and level < 0 else 0.0
