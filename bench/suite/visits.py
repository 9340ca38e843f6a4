"""Visits: somebody connects over TLS, logs in and leaves, again and again, in several processes at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

from bench.core import Core, processor_seconds
from bench.kinds import Kind
from bench.suite.load import percentiles
from bench.suite.measurement import Sample, Skipped
from bench.suite.processes import Apart, barrier, free_port, serving
from bench.wire import Address, Wire
from pkid.auth import scram_client
from pkid.auth.scram import salted_password

__all__ = ["Entering", "bare_handshakes", "log_in", "say_a_line", "say_nothing", "visits_per_second"]

Entering = Callable[[Wire, Kind], None]
"""What a visitor does when it is connected, before it leaves."""

_LINE = b"PROVE somebody ecdsa_secp256r1_sha256 " + b"A" * 43 + b" tls-exporter " + b"A" * 96 + b"\n"


@contextmanager
def bare_handshakes(core: Core, *, mutual: bool = False) -> Iterator[tuple[Address, int]]:
    """Run a server that shakes hands with the core's own certificate, and little more; yield where it is, and its pid.

    :param mutual: whether each visitor must show a certificate of the core's authority.
    """
    script, port = Path(__file__).parent / "servers" / "handshakes.py", free_port()
    command = [sys.executable, str(script), str(port), str(core.state / "host.pem")]
    with serving([*command, core.authority] if mutual else command, port) as pid:
        yield Address("127.0.0.1", port, core.authority), pid


def log_in(wire: Wire, kind: Kind) -> None:
    """Prove who it is."""
    wire.log_in(kind.component, kind.own)


def say_a_line(wire: Wire, kind: Kind) -> None:
    """Say something that is as long as a proof, and wait for an answer."""
    wire.send(_LINE)
    wire.read_line()


def say_nothing(wire: Wire, kind: Kind) -> None:
    """Leave at once."""


def visits_per_second(
    address: Address, pid: int, visitors: Sequence[Iterable[Kind]], seconds: float, enter: Entering = log_in
) -> Sample:
    """Let visitors come and go for so long, or as often as they can; return what that came to.

    :param pid: the server's process, whose processor time is taken.
    :param visitors: as what each visitor comes, one time after the other.
    :param enter: what each of them does there.
    :raises Skipped: when a visitor is not let in.
    """
    start = barrier(len(visitors) + 1)
    parts = [Apart(_come_and_go, address, visitor, seconds, enter, start) for visitor in visitors]
    try:
        start.wait()
    except BrokenBarrierError:
        raise Skipped("a visitor failed") from None
    used, began = processor_seconds(pid), time.perf_counter()
    latencies = [each for part in parts for each in part.result()]
    elapsed, used = time.perf_counter() - began, processor_seconds(pid) - used
    return {
        "logins/s": len(latencies) / elapsed,
        "logins/cpu-s": len(latencies) / max(used, 0.01),
        **percentiles(latencies),
    }


def _come_and_go(address: Address, kinds: Iterable[Kind], seconds: float, enter: Entering, start: Any) -> list[float]:
    """Return how long each visit took, from the connection to the end of the login; the first one does not count."""
    scram_client.salted_password = cache(salted_password)  # a client may keep it: RFC 5802, section 3
    waiting = iter(kinds)
    _visit(address, next(waiting), enter)
    start.wait()
    latencies, end = [], time.monotonic() + seconds
    for kind in waiting:
        latencies.append(_visit(address, kind, enter))
        if time.monotonic() > end:
            break
    return latencies


def _visit(address: Address, kind: Kind, enter: Entering) -> float:
    """Come, log in and go; return how long it took until the login was done."""
    began = time.perf_counter()
    wire = Wire(address, kind.shown)
    enter(wire, kind)
    taken = time.perf_counter() - began
    wire.leave()
    return taken
