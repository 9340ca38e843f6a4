"""The Rembus door beside the original broker: the same bytes for both, over plain WebSockets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial

from bench.core import Core, processor_seconds, running_core
from bench.suite.brokers import Shared
from bench.suite.measurement import WARM_UP, Contestant, Mark, Measure, Path, Role, Sample, Scale
from bench.suite.peers.rembus import running_rembus
from bench.suite.processes import apart
from bench.suite.rembus import CASES, Case
from bench.suite.rembus_client import Broker

__all__ = ["comparisons", "paths"]

_ORIGINAL = "rembus 0.8.23"
_DOOR = ("--rembus-ws", "tcp:0:interface=127.0.0.1")
_RETAINED = ("--retain", "**")
_SHARE = 0.7
_Measured = Callable[[str, int, float], Sample]
"""Measures a broker at a URL, in a process of this number, for so many seconds."""

_Start = Callable[[], AbstractContextManager[tuple[str, int]]]
"""Gives the URL of a broker that runs, and its process's number."""

_FIGURES = {"QoS": "published/s", "calls": "calls/s", "logins": "logins/s"}
_MARKS = {
    "QoS 0, 1 to 1": 4,
    "QoS 0, 1 to 4": 4,
    "QoS 1, 1 to 1": 8,
    "QoS 1, 1 to 4": 8,
    "calls, one at a time": 2,
    "calls, 8 at a time": 4,
    "named logins": 100,
}
_RETAINED_MARKS = {"QoS 1, 1 to 1": 4, "QoS 1, 1 to 4": 4}


def paths(scale: Scale) -> Iterable[Path]:
    """Return the paths, of which there are many, so that each has less time than others."""
    with ExitStack() as stack:
        shared = Shared(running_rembus, stack)
        yield from comparisons(_SHARE, (lambda: nullcontext(shared.get())) if scale.is_quick else running_rembus)


def comparisons(share: float = 1.0, original: _Start = running_rembus) -> Iterable[Path]:
    """Return a path for each case; those with acknowledgement once more with what is kept in the store.

    :param share: of a round's seconds that each is measured.
    :param original: starts the original broker.
    """
    with ExitStack() as stack:
        core = Shared(partial(running_core, *_DOOR), stack)
        for name, case in CASES.items():
            measure = partial(_measure, case, share)
            yield _path(f"Rembus door: {name}", core, original, measure, _MARKS.get(name))
    with ExitStack() as stack:
        core = Shared(partial(running_core, *_DOOR, *_RETAINED), stack)
        for name, least in _RETAINED_MARKS.items():
            yield _path(f"Rembus door: {name}, retained", core, original, partial(_measure, CASES[name], share), least)


def _path(title: str, core: Shared[Core], original: _Start, measure: _Measured, least: float | None) -> Path:
    figure = next(figure for word, figure in _FIGURES.items() if word in title)
    marks = (Mark("pkid", figure, _ORIGINAL, at_least=least),) if least is not None else ()
    contestants = (
        Contestant("pkid", partial(_pkid, core, measure)),
        Contestant(_ORIGINAL, partial(_original, original, measure), Role.PEER),
    )
    return Path(title, figure, contestants, marks, warm_up=WARM_UP)


@contextmanager
def _pkid(shared: Shared[Core], measure: _Measured) -> Iterator[Measure]:
    core = shared.get()
    yield partial(measure, f"ws://127.0.0.1:{core.port_of('rembus-ws')}", core.pid)


@contextmanager
def _original(start: _Start, measure: _Measured) -> Iterator[Measure]:
    with start() as (url, pid):
        yield partial(measure, url, pid)


def _measure(case: Case, share: float, url: str, pid: int, seconds: float) -> Sample:
    return apart(case, Broker(url, partial(processor_seconds, pid)), share * seconds)
