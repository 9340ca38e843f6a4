"""From the command to readiness, on a state that exists, beside the time in which twistd prints its help."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path as File
from tempfile import TemporaryDirectory

from bench.core import TWISTD, running_core
from bench.suite.measurement import Contestant, Mark, Measure, Path, Role, Scale
from bench.suite.starts import several, starting

__all__ = ["paths"]

_HELP = "twistd --help"


def paths(scale: Scale) -> Iterable[Path]:
    """Return the path."""
    yield Path(
        "Start to ready, existing state",
        "start ms",
        (Contestant("pkid", _pkid), Contestant(_HELP, _help, Role.LIMIT)),
        (Mark("pkid", "start ms", _HELP, at_most=4),),
    )


@contextmanager
def _pkid() -> Iterator[Measure]:
    with TemporaryDirectory() as folder:
        state = File(folder) / "state"
        with running_core(state=state):
            pass  # the first start makes the state
        with starting(state) as measure:
            yield measure


@contextmanager
def _help() -> Iterator[Measure]:
    def run() -> float:
        began = time.perf_counter()
        subprocess.run([TWISTD, "--help"], stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began

    yield partial(several, run)
