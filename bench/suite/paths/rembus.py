"""The Rembus door beside the original broker: the same bytes for both, over plain WebSockets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from bench.core import processor_seconds, running_core
from bench.suite.measurement import WARM_UP, Contestant, Mark, Measure, Path, Role, Sample, Scale
from bench.suite.peers.rembus import running_rembus
from bench.suite.processes import apart
from bench.suite.rembus import CASES, Broker, Case

__all__ = ["comparisons", "paths"]

_ORIGINAL = "rembus 0.8.23"
_DOOR = ("--rembus-ws", "tcp:0:interface=127.0.0.1")
_RETAINED = ("--retain", "**")
_SHARE = 0.4
_Measured = Callable[[str, int, float], Sample]
"""Measures a broker at a URL, in a process of this number, for so many seconds."""

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
    return comparisons(_SHARE)


def comparisons(share: float = 1.0) -> Iterable[Path]:
    """Return a path for each case; those with acknowledgement once more with what is kept in the store.

    :param share: of a round's seconds that each is measured.
    """
    for name, case in CASES.items():
        yield _path(f"Rembus door: {name}", partial(_measure, case, share), _MARKS.get(name))
    for name, least in _RETAINED_MARKS.items():
        yield _path(f"Rembus door: {name}, retained", partial(_measure, CASES[name], share), least, *_RETAINED)


def _path(title: str, measure: _Measured, least: float | None, *options: str) -> Path:
    figure = next(figure for word, figure in _FIGURES.items() if word in title)
    marks = (Mark("pkid", figure, _ORIGINAL, at_least=least),) if least is not None else ()
    pkid = Contestant("pkid", partial(_pkid, measure, *options))
    original = Contestant(_ORIGINAL, partial(_original, measure), Role.PEER)
    return Path(title, figure, (pkid, original), marks, warm_up=WARM_UP)


@contextmanager
def _pkid(measure: _Measured, *options: str) -> Iterator[Measure]:
    with running_core(*_DOOR, *options) as core:
        yield partial(measure, f"ws://127.0.0.1:{core.port_of('rembus-ws')}", core.pid)


@contextmanager
def _original(measure: _Measured) -> Iterator[Measure]:
    with running_rembus() as (url, pid):
        yield partial(measure, url, pid)


def _measure(case: Case, share: float, url: str, pid: int, seconds: float) -> Sample:
    return apart(case, Broker(url, partial(processor_seconds, pid)), share * seconds)
