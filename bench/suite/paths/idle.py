"""Sessions that only stay: what each of them holds, what its heartbeats cost, and how much the others notice.

Messages are published 1 to 1 beside them, in batches, so that it shows what they cost those who do something.

The core is started as an operator of ten thousand components would: with ``--connections 11000``. The sessions come
from several addresses of this machine, so that the default limit for each address holds. Its line door asks after
shorter silences than usual, so that every session has one heartbeat within a round; the share of a processor is
reckoned for the five minutes that are usual.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path as File
from statistics import median

from bench.core import Core, running_core
from bench.suite.brokers import Broker
from bench.suite.crowd import Crowd, gathering
from bench.suite.dialects.line import LineDialect
from bench.suite.fan_out import FanOut, deliveries_per_second
from bench.suite.load import percentiles
from bench.suite.measurement import Contestant, Mark, Measure, Path, Role, Sample, Scale, Skipped
from bench.suite.processes import open_many_files, resident_bytes
from bench.suite.visits import bare_handshakes
from bench.wire import Address, Wire
from pkid.auth.own_credential import OwnPreSharedKey
from pkid.line.budget import Budget

__all__ = ["paths"]

_SIZES = (1, 10, 100, 1000, 2000, 5000, 10_000)
_TOPIC = "bench/all"
_HEARTBEATS = "heartbeats of all"
_MESSAGES = 5
_LONGEST = 2.0  # seconds
_BARE = 1000
_ATTENTIVE = File(__file__).parents[1] / "servers" / "attentive.py"
_SHORTEST_SILENCE = 4.0  # seconds


def paths(scale: Scale) -> Iterable[Path]:
    """Return the paths: one core, to which more and more come, and then all that are there."""
    open_many_files()
    sizes = scale.points(*_SIZES)
    silence = max(_SHORTEST_SILENCE, 10 * scale.seconds)
    program = [sys.executable, str(_ATTENTIVE), str(silence)]
    with running_core("--connections", str(scale.sessions + 1000), program=program) as core:
        own = OwnPreSharedKey.derive("default", (core.state / "psk").read_text().strip(), os.urandom(16))
        address = Address("127.0.0.1", core.port_of("line"), core.authority)
        with gathering(address, own, _TOPIC) as crowd:
            whole = _Whole(core, address, own, crowd)
            yield whole.curve(sizes)
            yield Path(
                f"All of {sizes[-1]} idle TLS sessions",
                "us/delivery",
                (
                    Contestant(_HEARTBEATS, partial(whole.silent, silence)),
                    Contestant("a message to all", whole.told),
                ),
                (Mark(_HEARTBEATS, "% of a processor", at_most=5),),
                once=True,
            )


class _Whole:
    """A core and its crowd.

    :ivar broker: for who publishes beside them.
    :ivar first: the bytes that the core had before the first session; *last*: when it was looked at last.
    """

    def __init__(self, core: Core, address: Address, own: OwnPreSharedKey, crowd: Crowd) -> None:
        self.core, self.address, self.own, self.crowd = core, address, own, crowd
        self.broker = Broker(LineDialect(address.port, address.ca, own), (core.pid,))
        self.first = self.last = 0

    def curve(self, sizes: Sequence[int]) -> Path:
        """Return the path on which they become so many, and more."""
        names, bare = [f"beside {size}" for size in sizes], min(_BARE, sizes[-1])
        growing = (
            Contestant(name, partial(self.growing, size), at=size) for name, size in zip(names, sizes, strict=True)
        )
        return Path(
            "Idle TLS sessions, and messages 1 to 1 beside them",
            "messages/cpu-s",
            (*growing, Contestant(f"bare Twisted, {bare} connections", partial(_bare, self.core, bare), Role.LIMIT)),
            (
                Mark(names[-1], "KiB/session", at_most=40),
                Mark(names[-1], "KiB/further session", names[-2], at_most=1.1),
            ),
            once=True,
            axis="idle sessions",
        )

    @contextmanager
    def growing(self, size: int) -> Iterator[Measure]:
        """Let them be so many, and see what the others get done."""

        def measure(seconds: float) -> Sample:
            self._prepare()
            before, began, used = self.crowd.size, time.perf_counter(), self.core.processor_seconds()
            self.crowd.grow(size)
            elapsed, used = time.perf_counter() - began, self.core.processor_seconds() - used
            grown, self.last = self._resident() - self.last, self._resident()
            beside = deliveries_per_second(self.broker, FanOut(), min(seconds, _LONGEST))
            return {
                "KiB/session": (self.last - self.first) / 1024 / size,
                "KiB/further session": grown / 1024 / (size - before),
                "logins/s": (size - before) / elapsed,
                "cpu ms/login": 1000 * used / (size - before),
                "messages/s": beside["deliveries/s"],
                "messages/cpu-s": beside["deliveries/cpu-s"],
            }

        yield measure

    @contextmanager
    def silent(self, silence: float) -> Iterator[Measure]:
        """Let nobody say anything for as long as it takes until each of them was asked once."""

        def measure(seconds: float) -> Sample:
            asked, used = self.crowd.asked(), self.core.processor_seconds()
            time.sleep(silence)
            asked, used = self.crowd.asked() - asked, self.core.processor_seconds() - used
            if asked < self.crowd.size / 2:
                raise Skipped(f"only {asked} of {self.crowd.size} had a heartbeat")
            return {
                "us/heartbeat": 1e6 * used / asked,
                "% of a processor": 100 * used / asked * self.crowd.size / Budget().idle.total_seconds(),
            }

        yield measure

    @contextmanager
    def told(self) -> Iterator[Measure]:
        """Publish to all of them."""
        yield self._tell

    def _tell(self, seconds: float) -> Sample:
        publisher = Wire(self.address)
        publisher.log_in("idle-publisher", self.own)
        latencies, used = [], self.core.processor_seconds()
        for _ in range(_MESSAGES):
            self.crowd.expect()
            began = time.monotonic()
            publisher.send(f"PUBLISH {_TOPIC} :something\n".encode())
            latencies.append([moment - began for moment in self.crowd.arrivals()])
        used = self.core.processor_seconds() - used
        publisher.leave()
        return {
            **percentiles([each for some in latencies for each in some]),
            "all ms": 1000 * median(max(some) for some in latencies),
            "us/delivery": 1e6 * used / _MESSAGES / self.crowd.size,
        }

    def _prepare(self) -> None:
        """Note what the core has before the first of them, but after it has done everything once."""
        if not self.first:
            deliveries_per_second(self.broker, FanOut(), 0.5)
            self.first = self.last = self._resident()

    def _resident(self) -> int:
        return resident_bytes(self.core.pid)


@contextmanager
def _bare(core: Core, size: int) -> Iterator[Measure]:
    """Yield what measures the connections of a server that does nothing with them."""
    with bare_handshakes(core) as (address, pid), gathering(address, None, "") as crowd:

        def measure(seconds: float) -> Sample:
            crowd.grow(10)
            before = resident_bytes(pid)
            crowd.grow(size + 10)
            return {"KiB/session": (resident_bytes(pid) - before) / 1024 / size}

        yield measure
