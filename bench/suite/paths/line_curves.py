"""How the cost of a message at the line door grows with its payload, its subscribers, its topics and the grants.

One core each, over TLS, proven names, rights looked up; in batches, but for what is too long for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path as File

from bench.core import running_core
from bench.suite.brokers import Broker, Shared, broker_of, running_pipe, running_pkid, running_relay
from bench.suite.dialects.line import LineDialect
from bench.suite.fan_out import FanOut, deliveries_per_second
from bench.suite.measurement import Contestant, Measure, Path, Role, Sample, Scale
from bench.suite.rights import state_with_grants

__all__ = ["paths"]

_PAYLOADS = (10, 100, 1 << 10, 10 << 10, 100 << 10, 1 << 20)
_SUBSCRIBERS = (1, 3, 10, 30, 100, 300, 1000)
_MANY = (1, 10, 100, 1000, 10_000)
_SHARE = 0.5  # of the seconds of a round
_FIGURE = "deliveries/cpu-s"
_BYTES = """\
What comes in one record of TLS, up to 16 KiB, is read, decided and passed on as one; the longer messages are, the fewer
share that. The pipe, which only decrypts and encrypts, shows what the bytes themselves cost."""
_SHARED = """\
A message is read and decided once for all of them, and what is left for each is a write and a record of TLS: the relay,
which decides nothing, bends alike."""
_TURNS = "On one topic all is decided at once; in turn, each topic is looked up. Some 25,000 of them are remembered."
_REMEMBERED = "What they decide is remembered for each topic and name."
_Who = tuple[str, Shared[Broker[LineDialect]], Role]
_ROOM = ("--connections-per-address=2000", "--backlog=8m")
"""So that 1,000 subscribers may come from one address, and a message of 1 MiB may wait."""


def paths(scale: Scale) -> Iterable[Path]:
    """Return the curves."""
    with ExitStack() as stack:
        pkid = "pkid", Shared(partial(running_pkid, *_ROOM), stack), Role.PKID
        relay = "bare relay", Shared(running_relay, stack), Role.LIMIT
        pipe = "bare pipe", Shared(running_pipe, stack), Role.LIMIT
        yield _curve("payload", "bytes of payload", _points((pkid, pipe), _payload, _PAYLOADS), _BYTES)
        numbers = scale.points(*_SUBSCRIBERS)
        yield _curve("subscribers", "subscribers", _points((pkid, relay), _subscribers, numbers), _SHARED)
        many = scale.points(*_MANY)
        yield _curve("topics", "topics in turn", _points((pkid, relay), _topics, many), _TURNS)
    with state_with_grants() as grant:
        yield _curve("grants", "grants", [_with_grants(grant, number) for number in many], _REMEMBERED)


def _curve(what: str, axis: str, contestants: Iterable[Contestant], why: str) -> Path:
    return Path(f"Line door, by {what}", _FIGURE, tuple(contestants), once=True, axis=axis, why=why.replace("\n", " "))


def _payload(number: int) -> FanOut:
    return FanOut(payload=number)


def _subscribers(number: int) -> FanOut:
    return FanOut(subscribers=number)


def _topics(number: int) -> FanOut:
    return FanOut(topics=number)


def _points(who: Iterable[_Who], load: Callable[[int], FanOut], numbers: Sequence[int]) -> Iterator[Contestant]:
    """Return somebody at each place, and then the next."""
    for name, shared, role in who:
        for number in numbers:
            yield Contestant(f"{name}, {number}", partial(_running, shared, load(number)), role, number)


@contextmanager
def _running(shared: Shared[Broker[LineDialect]], load: FanOut) -> Iterator[Measure]:
    yield partial(_measure, shared.get(), load)


def _with_grants(grant: Callable[[int], File], count: int) -> Contestant:
    """Return a core that starts when its turn comes, because all have one state directory, which grows."""

    @contextmanager
    def running() -> Iterator[Measure]:
        def measure(seconds: float) -> Sample:
            with running_core("--authenticated", state=grant(count)) as core:
                return _measure(broker_of(core), FanOut(), seconds)

        yield measure

    return Contestant(f"pkid, {count}", running, at=count)


def _measure(broker: Broker[LineDialect], load: FanOut, seconds: float) -> Sample:
    return deliveries_per_second(broker, load, _SHARE * seconds)
