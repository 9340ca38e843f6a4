"""The load of calls on a broker: one calls, so many at a time, another answers with what it was sent."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import Any

from bench.suite.brokers import Broker
from bench.suite.dialects.dialect import CallDialect
from bench.suite.fan_out import growth
from bench.suite.load import percentiles
from bench.suite.measurement import Sample
from bench.suite.processes import counter, flag, meanwhile, numbers

__all__ = ["calls_per_second"]

_PAYLOAD = b"x" * 100
_TIMES = 1 << 17  # calls whose time is kept
_COLD = 100  # calls whose time does not count
_NUMBERS = 1_000_000


def calls_per_second(broker: Broker[CallDialect], flight: int, seconds: float) -> Sample:
    """Call for so long, and return how many calls were answered, and after how long.

    :param flight: calls that are under way at a time.
    :raises Skipped: when none is answered.
    """
    topic = f"bench/{os.urandom(4).hex()}"
    answered, took, ready = counter(), numbers(_TIMES), flag()
    with meanwhile(_answer, broker.dialect, topic, ready) as answering:
        with meanwhile(_call, broker.dialect, topic, flight, answered, took, ready) as calling:
            parts = {"caller": calling, "exposer": answering}
            found = growth("calls", answered, broker, parts, seconds)
    return {**found, **percentiles(took[_COLD : min(answered.value, _TIMES)])}


def _answer(dialect: CallDialect, topic: str, ready: Any) -> None:
    """Answer all calls of a topic."""
    stream = dialect.connect(f"{topic[6:]}-exposer")
    dialect.expose(stream, topic)
    ready.set()
    rest = b""
    while True:
        answers, rest = dialect.answers(rest + stream.read_some())
        if answers:
            stream.send(answers)


def _call(dialect: CallDialect, topic: str, flight: int, answered: Any, took: Any, ready: Any) -> None:
    """Call; results are taken to come in the order of the calls."""
    stream = dialect.connect(f"{topic[6:]}-caller")
    dialect.begin_calls(stream)
    ready.wait()
    began: deque[float] = deque()
    first, size, received, free, number = b"", None, 0, flight, 0
    while True:
        now = time.perf_counter()
        began.extend([now] * free)
        stream.send(b"".join(dialect.call(topic, _PAYLOAD, (number + each) % _NUMBERS) for each in range(free)))
        number, before = number + free, answered.value
        piece = stream.read_some()
        received += len(piece)
        if size is None:
            first += piece
            size = dialect.result_size(first)
        free = received // size - before if size else 0
        now = time.perf_counter()
        for each in range(before, before + free):
            took[each % _TIMES] = now - began.popleft()
        answered.value = before + free
