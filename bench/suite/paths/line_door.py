"""Messages and calls at the line door, beside the brokers of others.

Everybody speaks TLS 1.3 with the same cipher and a P-256 certificate, asks for a proof of who is there, and looks up
rights that cover the topics. Messages of 100 bytes go to 1, 10 and 100 subscribers, in batches of 64 for each write and
in writes of one; calls with as much are one at a time and 32. Mosquitto has no calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from bench.suite.brokers import Broker, Shared, running_pkid, running_relay
from bench.suite.calls import calls_per_second
from bench.suite.dialects.dialect import CallDialect, Dialect
from bench.suite.fan_out import FanOut, deliveries_per_second
from bench.suite.measurement import Contestant, Mark, Measure, Path, Role, Scale
from bench.suite.peers.crossbar import running_crossbar
from bench.suite.peers.mosquitto import running_mosquitto
from bench.suite.peers.nats import running_nats

__all__ = ["paths"]

_RELAY, _NO_CALLS = "bare relay", "mosquitto"
_Who = tuple[str, Shared[Any], Role]
_ONES = 0.5  # of the seconds of a round: how long those without marks are measured


def paths(scale: Scale) -> Iterable[Path]:
    """Return the paths; the brokers are the same for all of them."""
    with ExitStack() as stack:
        brokers: list[_Who] = [
            ("pkid", Shared(running_pkid, stack), Role.PKID),
            ("crossbar", Shared(running_crossbar, stack), Role.PEER),
            (_NO_CALLS, Shared(running_mosquitto, stack), Role.PEER),
            ("nats-server", Shared(running_nats, stack), Role.PEER),
            (_RELAY, Shared(running_relay, stack), Role.LIMIT),
        ]
        for subscribers in (1, 10, 100):
            load = FanOut(subscribers=subscribers)
            yield _fan_out(f"1 to {subscribers}, in batches", brokers, load, 1.0, *_marks(subscribers))
        for subscribers in (1, 10, 100):
            load = FanOut(subscribers=subscribers, batch=1)
            yield _fan_out(f"1 to {subscribers}, one for each write", brokers, load, _ONES)
        with_calls = [each for each in brokers if each[0] != _NO_CALLS]
        yield _calls("one at a time", "p50 ms", with_calls, 1, Mark("pkid", "p50 ms", at_most=0.5))
        twice = (Mark("pkid", figure, "crossbar", at_least=2) for figure in ("calls/s", "calls/cpu-s"))
        yield _calls("32 at a time", "calls/s", with_calls, 32, *twice)


def _marks(subscribers: int) -> Iterator[Mark]:
    for figure in ("deliveries/s", "deliveries/cpu-s"):
        if subscribers == 1:
            yield Mark("pkid", figure, "crossbar", at_least=3)
            yield Mark("pkid", figure, "mosquitto", at_least=1)
        else:
            yield Mark("pkid", figure, _RELAY, at_least=0.2)


def _fan_out(how: str, brokers: Iterable[_Who], load: FanOut, share: float, *marks: Mark) -> Path:
    contestants = (Contestant(name, partial(_delivering, each, load, share), role) for name, each, role in brokers)
    return Path(f"Line door, {how}", "deliveries/s", tuple(contestants), marks)


def _calls(how: str, figure: str, brokers: Iterable[_Who], flight: int, *marks: Mark) -> Path:
    contestants = (Contestant(name, partial(_calling, each, flight), role) for name, each, role in brokers)
    return Path(f"Line door, calls, {how}", figure, tuple(contestants), marks)


@contextmanager
def _delivering(shared: Shared[Broker[Dialect]], load: FanOut, share: float) -> Iterator[Measure]:
    broker = shared.get()
    yield lambda seconds: deliveries_per_second(broker, load, share * seconds)


@contextmanager
def _calling(shared: Shared[Broker[CallDialect]], flight: int) -> Iterator[Measure]:
    broker = shared.get()
    yield lambda seconds: calls_per_second(broker, flight, seconds)
