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
            "stolen": round(outcome.stolen, 4),
            "roles": {each.name: each.role.value for each in outcome.path.contestants},
            "samples": outcome.samples,
            "skipped": outcome.skipped,
            "marks": [
                {"mark": _sentence(each.mark), "value": each.value, "rounds": each.rounds, "reached": each.reached}
                for each in outcome.standings
            ],
        }
        for outcome in outcomes
    ]
    return json.dumps({"circumstances": around, "paths": found}, indent=1)


def as_markdown(outcomes: Iterable[Outcome], around: dict[str, Any]) -> str:
    """Write what all marks came to, the missed ones first; then the medians of each path, and who was skipped and why.

    Behind a median stands, for what the path is about and for marks, from where to where the rounds went.
    """
    outcomes = list(outcomes)
    lines = ["# Benchmark", "", *_overview(outcomes), ""]
    lines += [f"- {name}: {value}" for name, value in around.items()]
    for outcome in outcomes:
        lines += ["", f"## {outcome.path.title}", "", *([outcome.path.note, ""] if outcome.path.note else [])]
        lines += _table(outcome)
        if outcome.standings:
            lines += ["", "| mark | measured | rounds | reached |", "| --- | ---: | --- | --- |"]
            lines += [_row(each) for each in outcome.standings]
        lines += [f"\n{line}" for line in bends(outcome)]
        lines += [f"\n{_absence(outcome, name)}" for name in outcome.skipped]
    return "\n".join([*lines, ""])


def _overview(outcomes: Sequence[Outcome]) -> Iterator[str]:
    standings = [(outcome, each) for outcome in outcomes for each in outcome.standings if each.mark.is_bound]
    count = Counter(each.reached for _, each in standings)
    yield f"Of {len(standings)} marks {count[True]} were reached, {count[False]} missed, {count[None]} not measured."
    missed = [f"- {outcome.path.title}: {_told(each)}" for outcome, each in standings if each.reached is False]
    yield from ["", "Missed:", "", *missed] if missed else []
    absent = [f"- {outcome.path.title}: {_absence(outcome, name)}" for outcome in outcomes for name in outcome.skipped]
    yield from ["", "Skipped:", "", *absent] if absent else []
    yield from ["", "| path | seconds | stolen % |", "| --- | ---: | ---: |"]
    yield from [f"| {each.path.title} | {each.seconds:.0f} | {100 * each.stolen:.1f} |" for each in outcomes]


def _absence(outcome: Outcome, name: str) -> str:
    """Say why somebody was not measured, or not in each round."""
    rounds = outcome.samples.get(name, [])
    some = f" in {rounds.count({})} of {len(rounds)} rounds" if any(rounds) else ""
    return f"{name} was skipped{some}, because {outcome.skipped[name]}."


def _told(standing: Standing) -> str:
    return f"{_sentence(standing.mark)}, measured {_number(standing.value or 0.0)}{_in_brackets(standing.rounds)}"


def _in_brackets(values: Sequence[float]) -> str:
    return f" ({_spread(values)})" if len(values) > 1 else ""


def _spread(values: Sequence[float]) -> str:
    return f"{_number(min(values))} to {_number(max(values))}" if len(values) > 1 else ""


def _table(outcome: Outcome) -> Iterator[str]:
    figures, main = outcome.figures, outcome.path.figure
    varies = any(len(outcome.values(name, main)) > 1 for name in outcome.samples)
    yield "| | " + " | ".join([*figures, *([f"rounds of {main}"] if varies else [])]) + " |"
    yield "| --- |" + " ---: |" * (len(figures) + varies)
    for name in (name for name, rounds in outcome.samples.items() if any(rounds)):
        medians = (outcome.median(name, figure) for figure in figures)
        cells = ["" if value is None else _number(value) for value in medians]
        cells += [_spread(outcome.values(name, main))] if varies else []
        yield f"| {name} | " + " | ".join(cells) + " |"


def _row(standing: Standing) -> str:
    value = "not measured" if standing.value is None else _number(standing.value)
    reached = {True: "yes", False: "**no**", None: "?"}[standing.reached] if standing.mark.is_bound else ""
    return f"| {_sentence(standing.mark)} | {value} | {_spread(standing.rounds)} | {reached} |"


def _sentence(mark: Mark) -> str:
    subject = f"{mark.of}: {mark.figure}" + (f" / {mark.over}" if mark.over else "")
    subject += f": {mark.over_figure}" if mark.over_figure else ""
    bounds = [f">= {mark.at_least:g}"] if mark.at_least is not None else []
    bounds += [f"<= {mark.at_most:g}"] if mark.at_most is not None else []
    return f"{subject} {' and '.join(bounds)}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
