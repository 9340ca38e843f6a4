"""Measures the contestants of a path in turns, so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from bench.suite.measurement import Contestant, Mark, Measure, Path, Role, Sample, Scale, Skipped

__all__ = ["Outcome", "Standing", "measure"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a mark came to.

    :ivar value: ``None`` when somebody that it needs was not measured.
    """

    mark: Mark
    value: float | None

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
    :ivar samples: the figures of each round, by contestant.
    :ivar skipped: why a contestant was not measured.
    :ivar seconds: that it took.
    """

    name: str
    path: Path
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def median(self, contestant: str, figure: str) -> float | None:
        """Return the median of a figure over the rounds."""
        values = [sample[figure] for sample in self.samples.get(contestant, ()) if figure in sample]
        return median(values) if values else None

    @property
    def figures(self) -> list[str]:
        """All figures, in the order in which they came up."""
        return list(dict.fromkeys(name for rounds in self.samples.values() for each in rounds for name in each))

    @property
    def standings(self) -> list[Standing]:
        """What each mark came to."""
        return [Standing(mark, self._value(mark)) for mark in self.path.marks]

    def role(self, contestant: str) -> Role:
        """Return as what somebody was measured."""
        return next(each.role for each in self.path.contestants if each.name == contestant)

    def _value(self, mark: Mark) -> float | None:
        """Return the median of the ratios within each round."""
        own = self.samples.get(mark.of, [])
        if mark.over is None:
            return self.median(mark.of, mark.figure)
        other = self.samples.get(mark.over, [])
        below = mark.over_figure or mark.figure
        ratios = [a[mark.figure] / b[below] for a, b in zip(own, other, strict=False) if b.get(below)]
        return median(ratios) if ratios else None


def measure(name: str, path: Path, scale: Scale) -> Outcome:
    """Start all contestants of a path, give each its turn in each round, and end them."""
    outcome = Outcome(name, path)
    with ExitStack() as stack:
        measures = dict(_start(stack, path.contestants, outcome))
        for _ in range(1 if path.once else scale.rounds):
            for contestant in list(measures):
                try:
                    sample = measures[contestant](scale.seconds)
                except (Skipped, OSError) as reason:
                    outcome.skipped[contestant] = str(reason)
                    del measures[contestant]
                    continue
                outcome.samples.setdefault(contestant, []).append(sample)
    return outcome


def _start(stack: ExitStack, contestants: Iterable[Contestant], outcome: Outcome) -> Iterable[tuple[str, Measure]]:
    for contestant in contestants:
        try:
            yield contestant.name, stack.enter_context(contestant.running())
        except (Skipped, OSError) as reason:  # a peer may fail in ways of its own; the others are measured
            outcome.skipped[contestant.name] = str(reason)
