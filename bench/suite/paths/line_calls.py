"""Calls at the line door, one at a time and 32, beside brokers that have calls, over the same TLS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from bench.suite.brokers import Shared, running_pkid, running_relay
from bench.suite.calls import calls_per_second
from bench.suite.measurement import Contestant, Mark, Measure, Path, Role, Scale
from bench.suite.peers.crossbar import running_crossbar
from bench.suite.peers.nats import running_nats

__all__ = ["paths"]

_SHARE = 0.2  # of the seconds of a round


def paths(scale: Scale) -> Iterable[Path]:
    """Return a path for each number of calls under way."""
    with ExitStack() as stack:
        brokers: list[tuple[str, Shared[Any], Role]] = [
            ("pkid", Shared(running_pkid, stack), Role.PKID),
            ("crossbar", Shared(running_crossbar, stack), Role.PEER),
            ("nats-server", Shared(running_nats, stack), Role.PEER),
            ("bare relay", Shared(running_relay, stack), Role.LIMIT),
        ]
        for flight, how, figure, marks in (
            (1, "one at a time", "p50 ms", (Mark("pkid", "p50 ms", at_most=0.5),)),
            (32, "32 at a time", "calls/s", tuple(map(_twice, ("calls/s", "calls/cpu-s")))),
        ):
            contestants = (Contestant(name, partial(_running, each, flight), role) for name, each, role in brokers)
            yield Path(f"Line door, calls, {how}", figure, tuple(contestants), marks)


def _twice(figure: str) -> Mark:
    return Mark("pkid", figure, "crossbar", at_least=2)


@contextmanager
def _running(shared: Shared[Any], flight: int) -> Iterator[Measure]:
    broker = shared.get()
    yield lambda seconds: calls_per_second(broker, flight, _SHARE * seconds)
