"""What profiles of a door's work have in common: a case is work that is done so many times, and is reported so."""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import re
import sys
import time
from collections.abc import Callable, Mapping

__all__ = ["Work", "profile_cases"]

Work = Callable[[int], None]
"""Does so many messages or calls."""


def profile_cases(cases: Mapping[str, Callable[[], Work]], description: str | None) -> None:
    """Measure each case without a profile, then with one, and print the functions that take most time themselves.

    :param cases: by name, what makes the work; it is called with how many messages to do.
    :param description: of the command line.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=6400)
    parser.add_argument("--lines", type=int, default=30)
    parser.add_argument("--only", default="", help="cases whose name begins so")
    options = parser.parse_args()
    for case, make in cases.items():
        if case.startswith(options.only):
            work = make()
            work(options.messages)
            used = min(_timed(work, options.messages) for _ in range(5))
            profile = cProfile.Profile()
            profile.runcall(work, options.messages)
            _report(case, used, pstats.Stats(profile), options)


def _timed(work: Work, number: int) -> float:
    began = time.process_time()
    work(number)
    return (time.process_time() - began) / number


def _report(case: str, used: float, stats: pstats.Stats, options: argparse.Namespace) -> None:
    """Print figures for each message, and the first functions, without machine paths."""
    count = stats.total_calls / options.messages  # type: ignore[attr-defined]
    print(f"{case}: {count:.1f} function calls, {used * 1e6:.2f} us")
    if options.lines:
        stats.stream = text = io.StringIO()  # type: ignore[attr-defined]
        stats.sort_stats("tottime").print_stats(options.lines)
        table = text.getvalue().partition("   ncalls")[2]
        print("\n   ncalls", end="")
        print(re.sub(r"/\S*/(?:site-packages/|lib/python3\.\d+/|(?=pkid/|bench/))", "", table).rstrip(), end="\n\n\n")
        sys.stdout.flush()
