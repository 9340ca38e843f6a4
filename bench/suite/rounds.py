"""Measures the contestants of a path in turns, so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from statistics import median

from bench.suite.measurement import Contestant, Mark, Measure, Path, Role, Sample, Scale, Skipped

__all__ = ["Outcome", "Standing", "measure"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a mark came to.

    :ivar value: the median; ``None`` when somebody that it needs was not measured.
    :ivar rounds: what it was in each round.
    """

    mark: Mark
    value: float | None
    rounds: tuple[float, ...] = ()

    @property
    def reached(self) -> bool | None:
        """Whether the mark is reached."""
        if self.value is None:
            return None
        least, most = self.mark.at_least, self.mark.at_most
        return (least is None or self.value >= least) and (most is None or self.value <= most)


@dataclass(slots=True)
class Outcome:
    """What was measured on one path.

    :ivar name: the path's file.
    :ivar samples: the figures of each round, by contestant; none for a round that failed.
    :ivar skipped: why a contestant was not measured, in its last round that failed.
    :ivar seconds: that it took.
    :ivar stolen: the share of the processors' time that the machine's host gave to others meanwhile.
    """

    name: str
    path: Path
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    stolen: float = 0.0

    def median(self, contestant: str, figure: str) -> float | None:
        """Return the median of a figure over the rounds."""
        values = self.values(contestant, figure)
        return median(values) if values else None

    def values(self, contestant: str, figure: str) -> list[float]:
        """Return a figure of all rounds that have it."""
        return [sample[figure] for sample in self.samples.get(contestant, ()) if figure in sample]

    @property
    def figures(self) -> list[str]:
        """All figures, in the order in which they came up."""
        return list(dict.fromkeys(name for rounds in self.samples.values() for each in rounds for name in each))

    @property
    def standings(self) -> list[Standing]:
        """What each mark came to."""
        return [self._standing(mark) for mark in self.path.marks]

    def role(self, contestant: str) -> Role:
        """Return as what somebody was measured."""
        return next(each.role for each in self.path.contestants if each.name == contestant)

    def _standing(self, mark: Mark) -> Standing:
        """Return the median of the ratios within each round."""
        values = self.values(mark.of, mark.figure)
        if mark.over is not None:
            above, below = mark.figure, mark.over_figure or mark.figure
            pairs = zip(self.samples.get(mark.of, ()), self.samples.get(mark.over, ()), strict=False)
            values = [own[above] / other[below] for own, other in pairs if above in own and other.get(below)]
        return Standing(mark, median(values) if values else None, tuple(values))


def measure(name: str, path: Path, scale: Scale) -> Outcome:
    """Start all contestants of a path, give each its turn in each round, and end them."""
    outcome = Outcome(name, path)
    with ExitStack() as stack:
        measures = dict(_start(stack, path.contestants, outcome))
        if path.warm_up and not scale.is_quick:
            for measure in measures.values():
                with suppress(Skipped, OSError):  # it is told when it happens again
                    measure(path.warm_up * scale.seconds)
        for _ in range(1 if path.once else scale.rounds):
            for contestant, measure in measures.items():
                outcome.samples.setdefault(contestant, []).append(_round(outcome, contestant, measure, scale.seconds))
    return outcome


def _round(outcome: Outcome, contestant: str, measure: Measure, seconds: float) -> Sample:
    """Give somebody a turn; one that fails has no figures, and the next one may have some."""
    try:
        return measure(seconds)
    except (Skipped, OSError) as reason:
        outcome.skipped[contestant] = str(reason)
        return {}


def _start(stack: ExitStack, contestants: Iterable[Contestant], outcome: Outcome) -> Iterable[tuple[str, Measure]]:
    for contestant in contestants:
        try:
            yield contestant.name, stack.enter_context(contestant.running())
        except (Skipped, OSError) as reason:  # a peer may fail in ways of its own; the others are measured
            outcome.skipped[contestant.name] = str(reason)
