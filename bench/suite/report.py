"""What came of it, in words: a table in Markdown, and the same as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from bench.suite.curve import bends
from bench.suite.measurement import Mark, Scale
from bench.suite.rounds import Outcome, Standing

__all__ = ["as_json", "as_markdown", "circumstances"]


def circumstances(scale: Scale) -> dict[str, Any]:
    """Return where, when and how it was measured."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processors": os.cpu_count(),
        "load": [round(each, 2) for each in os.getloadavg()],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("Twisted", "cryptography", "pyOpenSSL", "SQLAlchemy")},
        "rounds": scale.rounds,
        "seconds": scale.seconds,
        "command": " ".join(sys.argv[1:]),
    }


def as_json(outcomes: Iterable[Outcome], around: dict[str, Any]) -> str:
    """Write everything down, each round included."""
    found = [
        {
            "name": outcome.name,
            "title": outcome.path.title,
            "seconds": round(outcome.seconds, 1),
            "roles": {each.name: each.role.value for each in outcome.path.contestants},
            "samples": outcome.samples,
            "skipped": outcome.skipped,
            "marks": [
                {"mark": _sentence(each.mark), "value": each.value, "reached": each.reached}
                for each in outcome.standings
            ],
        }
        for outcome in outcomes
    ]
    return json.dumps({"circumstances": around, "paths": found}, indent=1)


def as_markdown(outcomes: Iterable[Outcome], around: dict[str, Any]) -> str:
    """Write the medians, the marks, and what was skipped and why; first what all marks came to."""
    outcomes = list(outcomes)
    lines = ["# Benchmark", ""]
    lines += [f"- {name}: {value}" for name, value in around.items()]
    lines += ["", *_overview(outcomes)]
    for outcome in outcomes:
        lines += ["", f"## {outcome.path.title}", "", *_table(outcome)]
        if outcome.standings:
            lines += ["", "| mark | measured | reached |", "| --- | ---: | --- |"]
            lines += [_row(each) for each in outcome.standings]
        lines += [f"\n{line}" for line in bends(outcome)]
        lines += [line for name, why in outcome.skipped.items() for line in ("", f"Skipped: {name}, because {why}.")]
    return "\n".join([*lines, ""])


def _overview(outcomes: Sequence[Outcome]) -> Iterator[str]:
    standings = [(outcome, each) for outcome in outcomes for each in outcome.standings]
    count = Counter(each.reached for _, each in standings)
    yield f"Of {len(standings)} marks {count[True]} were reached, {count[False]} missed, {count[None]} not measured."
    missed = [f"- {outcome.path.title}: {_told(each)}" for outcome, each in standings if each.reached is False]
    yield from ["", "Missed:", "", *missed] if missed else []
    yield from ["", "| path | seconds |", "| --- | ---: |"]
    yield from [f"| {outcome.path.title} | {outcome.seconds:.0f} |" for outcome in outcomes]


def _told(standing: Standing) -> str:
    return f"{_sentence(standing.mark)}, measured {_number(standing.value or 0.0)}"


def _table(outcome: Outcome) -> Iterator[str]:
    figures = outcome.figures
    yield "| | " + " | ".join(figures) + " |"
    yield "| --- |" + " ---: |" * len(figures)
    for name in outcome.samples:
        values = (outcome.median(name, figure) for figure in figures)
        yield f"| {name} | " + " | ".join("" if value is None else _number(value) for value in values) + " |"


def _row(standing: Standing) -> str:
    value = "not measured" if standing.value is None else _number(standing.value)
    reached = {True: "yes", False: "**no**", None: "?"}[standing.reached]
    return f"| {_sentence(standing.mark)} | {value} | {reached} |"


def _sentence(mark: Mark) -> str:
    subject = f"{mark.of}: {mark.figure}" + (f" / {mark.over}" if mark.over else "")
    bounds = [f">= {mark.at_least:g}"] if mark.at_least is not None else []
    bounds += [f"<= {mark.at_most:g}"] if mark.at_most is not None else []
    return f"{subject} {' and '.join(bounds)}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
