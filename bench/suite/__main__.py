"""Measures every path, or those that are named, and writes what came of it into a folder.

.venv/bin/python -m bench.suite [--quick] [--out bench/results] [NAME ...]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path as File
from pkgutil import iter_modules

from bench.suite import paths
from bench.suite.machine import Ticks
from bench.suite.measurement import Scale
from bench.suite.peers.everybody import install_everybody
from bench.suite.plot import as_svg
from bench.suite.report import as_json, as_markdown, circumstances
from bench.suite.rounds import Outcome, measure

FULL = Scale(seconds=2.0, rounds=3, rows=1_000_000)
QUICK = Scale(seconds=0.2, rounds=1, rows=5_000, sessions=100, is_quick=True)
NAMES = sorted(module.name for module in iter_modules(paths.__path__))


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all of them by default")
    parser.add_argument("--quick", action="store_true", help="one short round each, for a look")
    parser.add_argument("--seconds", type=float, help="of one round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--name", help="of the files: full, quick or some by default")
    parser.add_argument("--out", type=File, default=File("bench/results"))
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    base = QUICK if options.quick else FULL
    scale = replace(base, seconds=options.seconds or base.seconds, rounds=options.rounds or base.rounds)
    name = options.name or ("some" if options.names else "quick" if options.quick else "full")
    if not options.names:
        install_everybody()
    around, began, ticks = circumstances(scale), time.monotonic(), Ticks.now()
    outcomes: list[Outcome] = []
    for outcome in run(options.names or NAMES, scale):  # what is measured is kept, whatever comes after it
        outcomes.append(outcome)
        around["minutes"] = round((time.monotonic() - began) / 60, 1)
        around["stolen"] = f"{Ticks.now().stolen_since(ticks):.1%} of the processors' time, by others of the host"
        write(options.out, name, outcomes, around)
    print(as_markdown(outcomes, around))


def run(names: Iterable[str], scale: Scale) -> Iterator[Outcome]:
    """Measure the paths of these files."""
    for name in names:
        began, ticks = time.monotonic(), Ticks.now()
        for path in import_module(f"bench.suite.paths.{name}").paths(scale):
            print(f"measuring: {path.title}", end="", flush=True)
            outcome = measure(name, path, scale)
            outcome.seconds = time.monotonic() - began  # with what it took to begin
            outcome.stolen = Ticks.now().stolen_since(ticks)
            print(f", {outcome.seconds:.0f} s", flush=True)
            yield outcome
            began, ticks = time.monotonic(), Ticks.now()


def write(folder: File, name: str, outcomes: list[Outcome], around: dict[str, object]) -> None:
    """Write the three forms."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(as_json(outcomes, around))
    (folder / f"{name}.md").write_text(as_markdown(outcomes, around))
    (folder / f"{name}.svg").write_text(as_svg(outcomes))


if __name__ == "__main__":
    main()
