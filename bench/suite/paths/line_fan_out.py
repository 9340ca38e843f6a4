"""Messages at the line door, to 1, 10 and 100 subscribers, beside the brokers of others.

Everybody speaks TLS 1.3 with the same cipher and a P-256 certificate, asks for a proof of who is there, and looks up
rights that cover the topics; 100 bytes, in batches of 64 for each write and in writes of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from bench.suite.brokers import Shared, running_pkid, running_relay
from bench.suite.dialects.dialect import Dialect
from bench.suite.fan_out import FanOut, deliveries_per_second
from bench.suite.measurement import Contestant, Mark, Measure, Path, Role, Scale
from bench.suite.peers.crossbar import running_crossbar
from bench.suite.peers.mosquitto import running_mosquitto
from bench.suite.peers.nats import running_nats

__all__ = ["paths"]

_RELAY = "bare relay"
_WHO = (
    ("pkid", running_pkid, Role.PKID),
    ("crossbar", running_crossbar, Role.PEER),
    ("mosquitto", running_mosquitto, Role.PEER),
    ("nats-server", running_nats, Role.PEER),
    (_RELAY, running_relay, Role.LIMIT),
)
_FIGURES = ("deliveries/s", "deliveries/cpu-s")
_SHARE = 0.2  # of the seconds of a round


def paths(scale: Scale) -> Iterable[Path]:
    """Return a path for each number of subscribers, in batches and one for each write."""
    with ExitStack() as stack:
        brokers = [(name, Shared(start, stack), role) for name, start, role in _WHO]
        for batch, how in ((64, "in batches"), (1, "one for each write")):
            for subscribers in (1, 10, 100):
                load = FanOut(subscribers=subscribers, batch=batch)
                contestants = (
                    Contestant(name, partial(_running, broker, load), role) for name, broker, role in brokers
                )
                marks = tuple(_marks(load)) if batch > 1 else ()
                yield Path(f"Line door, 1 to {subscribers}, {how}", "deliveries/s", tuple(contestants), marks)


def _marks(load: FanOut) -> Iterator[Mark]:
    for figure in _FIGURES:
        if load.subscribers == 1:
            yield Mark("pkid", figure, "crossbar", at_least=3)
            yield Mark("pkid", figure, "mosquitto", at_least=1)
        else:
            yield Mark("pkid", figure, _RELAY, at_least=0.2)


@contextmanager
def _running(shared: Shared[Dialect], load: FanOut) -> Iterator[Measure]:
    broker = shared.get()
    yield lambda seconds: deliveries_per_second(broker, load, _SHARE * seconds)
