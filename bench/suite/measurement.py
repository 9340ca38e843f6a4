"""What a path consists of: contestants, what one round of one of them gives, and the marks it is to reach.

A figure is called by its name and unit, as it stands at the head of its column: ``requests/s``, ``ping p99 ms``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum

__all__ = ["WARM_UP", "Contestant", "Mark", "Measure", "Path", "Role", "Sample", "Scale", "Skipped"]

WARM_UP = 0.2
"""Share of a round that a turn before the first one takes, in which keys are derived and caches are filled."""

Sample = Mapping[str, float]
"""The figures of one round."""

Measure = Callable[[float], Sample]
"""Runs one round of about so many seconds."""


class Skipped(Exception):
    """Raised by a contestant that cannot run here; the sentence says what it lacks."""


class Role(Enum):
    """As what a contestant is measured."""

    PKID = "pkid"
    PEER = "peer"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.

    :ivar seconds: of one round of one contestant.
    :ivar rounds: how often each has its turn.
    :ivar rows: certificates in the inventory.
    :ivar sessions: that are idle at the same time; other curves end with it, too.
    :ivar is_quick: whether the ends of a curve are enough.
    """

    seconds: float
    rounds: int
    rows: int
    sessions: int = 10_000
    is_quick: bool = False

    def points(self, *numbers: int) -> list[int]:
        """Return which of these places on a curve are measured, from left to right."""
        found = [number for number in numbers if number <= self.sessions]
        return [found[0], found[-1]] if self.is_quick else found


@dataclass(frozen=True, slots=True)
class Contestant:
    """Somebody to be measured.

    :ivar running: starts it, gives what measures one round, and ends it; raises :class:`Skipped`.
    :ivar at: where on a curve this is.
    """

    name: str
    running: Callable[[], AbstractContextManager[Measure]]
    role: Role = Role.PKID
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What a figure must come to: ``of`` divided by ``over``, or the figure itself if there is no ``over``.

    Without a bound it is told, and neither reached nor missed.

    :ivar figure: the figure of the contestant ``of``.
    :ivar over_figure: that of ``over``, if it is another one.
    """

    of: str
    figure: str
    over: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    over_figure: str | None = None

    @property
    def is_bound(self) -> bool:
        """Whether there is something to reach."""
        return self.at_least is not None or self.at_most is not None


@dataclass(frozen=True, slots=True)
class Path:
    """One path through pkid.

    :ivar figure: the figure that is plotted.
    :ivar once: whether one round is enough, because nothing changes from one to the next.
    :ivar axis: what grows along a curve; the figure of a curve is a rate. Empty for a path that is none.
    :ivar why: why a curve bends.
    :ivar note: what makes the comparison fair, or how far it is.
    :ivar warm_up: share of a round that a turn before the first one takes, which does not count; none where the load
        warms up itself.
    """

    title: str
    figure: str
    contestants: tuple[Contestant, ...]
    marks: tuple[Mark, ...] = ()
    once: bool = False
    axis: str = ""
    why: str = ""
    note: str = ""
    warm_up: float = 0.0
