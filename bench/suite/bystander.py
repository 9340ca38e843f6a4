"""The bystander: pings a server while others keep it busy, and notes how long each answer takes."""

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
    return {**sample, **percentiles(bystander.result(), "ping ")}


def _ping(port: int, ping: bytes, seconds: float) -> list[float]:
    latencies = []
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
            latencies.append(time.perf_counter() - began)
            time.sleep(_PAUSE)
    return latencies


def _refuse() -> NoReturn:
    raise SystemExit("the bystander was refused")
