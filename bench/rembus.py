"""Measure any broker of the Rembus protocol: messages, calls and logins a second.

    .venv/bin/python bench/rembus.py [--seconds 2] [--rounds 3] [--only "QoS 1"]
    .venv/bin/python bench/rembus.py --url ws://127.0.0.1:8338 [--seconds 4] [--only calls]

Without ``--url``, pkid and the original broker are started and measured in turns; ratios are medians of those within
each round. With it, that broker is measured alone: on the same machine it takes a processor of its own.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).parents[1])

from bench.suite.measurement import Scale
from bench.suite.paths.rembus import comparisons
from bench.suite.rembus import CASES
from bench.suite.rembus_client import Broker
from bench.suite.report import as_markdown
from bench.suite.rounds import measure


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="of a broker that runs")
    parser.add_argument("--seconds", type=float, default=2, help="of one round of one broker")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is told")
    parser.add_argument("--only", default="", help="cases with this in their names")
    options = parser.parse_args()
    if options.url:
        measure_alone(Broker(options.url), options.seconds, options.only)
    else:
        compare(Scale(options.seconds, options.rounds, 0), options.only)


def measure_alone(broker: Broker, seconds: float, only: str) -> None:
    """Measure one broker."""
    for name, case in CASES.items():
        if only in name:
            figures = case(broker, seconds)
            print(f"{name:36}", ", ".join(f"{value:,.2f} {unit}" for unit, value in figures.items()), flush=True)


def compare(scale: Scale, only: str) -> None:
    """Measure pkid and the original in turns."""
    for path in comparisons():
        if only in path.title:
            print("\n".join(as_markdown([measure("rembus", path, scale)], {}).splitlines()[2:]), flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
