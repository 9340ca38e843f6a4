"""The bystander: pings a server while others keep it busy, and notes how long each answer takes.

It shares the machine's processors with all of them. So it notes, too, how much later than it asked for it gets one
after each pause: what a ping takes beyond the server's doing, once to send it and once to read the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from bench.suite.load import connect, is_complete, percentiles, request
from bench.suite.measurement import Sample
from bench.suite.processes import Apart

__all__ = ["beside"]

_PAUSE = 0.01  # seconds between two pings


def beside(port: int, path: str, seconds: float, work: Callable[[], Sample]) -> Sample:
    """Do *work*, which takes about so many seconds, with a bystander; return the figures of both.

    :param path: a page that costs next to nothing.
    """
    bystander = Apart(_ping, port, request("GET", path), seconds)
    sample = work()
    latencies, delays = bystander.result()
    return {**sample, **percentiles(latencies, "ping "), "late p99 ms": percentiles(delays)["p99 ms"]}


def _ping(port: int, ping: bytes, seconds: float) -> tuple[list[float], list[float]]:
    """Return the seconds that each ping took, and those that each pause was too long."""
    latencies, delays = [], []
    with connect(port) as connection:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.perf_counter()
            connection.sendall(ping)
            answer = b""
            while not is_complete(answer):
                answer += connection.recv(65536) or _refuse()
            if not answer.startswith(b"HTTP/1.1 200"):
                _refuse()
            answered = time.perf_counter()
            latencies.append(answered - began)
            time.sleep(_PAUSE)
            delays.append(time.perf_counter() - answered - _PAUSE)
    return latencies, delays


def _refuse() -> NoReturn:
    raise SystemExit("the bystander was refused")
