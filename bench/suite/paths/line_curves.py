"""How the cost of a message at the line door grows with its payload, its subscribers, its topics and the grants.

One core each, over TLS, proven names, rights looked up; in batches, but for what is too long for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from bench.core import running_core
from bench.suite.brokers import Broker, Shared, broker_of, running_pkid, running_relay
from bench.suite.dialects.line import LineDialect
from bench.suite.fan_out import FanOut, deliveries_per_second
from bench.suite.measurement import Contestant, Measure, Path, Role, Scale
from bench.suite.rights import state_with_grants

__all__ = ["paths"]

_PAYLOADS = (10, 100, 1 << 10, 10 << 10, 100 << 10, 1 << 20)
_SUBSCRIBERS = (1, 3, 10, 30, 100, 300, 1000)
_MANY = (1, 10, 100, 1000, 10_000)
_SHARE = 0.4  # of the seconds of a round
_FIGURE = "deliveries/cpu-s"
_BYTES = "Its bytes are encrypted twice and, up to 4 KiB, looked at; and fewer messages come in one record of TLS."
_SHARED = "What is read and decided once is divided among them; beyond, a write and a record of TLS for each is left."
_TURNS = "On one topic all is decided at once; in turn, each topic is looked up. Some 25,000 of them are remembered."
_REMEMBERED = "What they decide is remembered for each topic and name."
_ROOM = ("--connections-per-address=2000", "--backlog=8m")
"""So that 1,000 subscribers may come from one address, and a message of 1 MiB may wait."""


def paths(scale: Scale) -> Iterable[Path]:
    """Return the curves."""
    many = [number for number in _MANY if number <= scale.sessions]
    with ExitStack() as stack:
        pkid = Shared(partial(running_pkid, *_ROOM), stack)
        relay = Shared(running_relay, stack)
        payloads = [_point(pkid, "pkid", number, FanOut(payload=number)) for number in _PAYLOADS]
        yield _curve("payload", "bytes of payload", payloads, _BYTES)
        numbers = [number for number in _SUBSCRIBERS if number <= scale.sessions // 10]
        subscribers = [
            _point(shared, name, number, FanOut(subscribers=number), role)
            for shared, name, role in ((pkid, "pkid", Role.PKID), (relay, "bare relay", Role.LIMIT))
            for number in numbers
        ]
        yield _curve("subscribers", "subscribers", subscribers, _SHARED)
        topics = [_point(pkid, "pkid", number, FanOut(topics=number)) for number in many]
        yield _curve("topics", "topics in turn", topics, _TURNS)
    yield _curve("grants", "grants", [_with_grants(number) for number in many], _REMEMBERED)


def _curve(what: str, axis: str, contestants: Iterable[Contestant], why: str) -> Path:
    return Path(f"Line door, by {what}", _FIGURE, tuple(contestants), once=True, axis=axis, why=why)


def _point(shared: Shared[LineDialect], name: str, at: int, load: FanOut, role: Role = Role.PKID) -> Contestant:
    @contextmanager
    def running() -> Iterator[Measure]:
        yield _measure(shared.get(), load)

    return Contestant(f"{name}, {at}", running, role, at)


def _with_grants(count: int) -> Contestant:
    @contextmanager
    def running() -> Iterator[Measure]:
        with state_with_grants(count) as state, running_core("--authenticated", state=state) as core:
            yield _measure(broker_of(core), FanOut())

    return Contestant(f"pkid, {count}", running, at=count)


def _measure(broker: Broker[LineDialect], load: FanOut) -> Measure:
    return lambda seconds: deliveries_per_second(broker, load, _SHARE * seconds)
