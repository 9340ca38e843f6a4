"""The load on a broker: one publishes as fast as it arrives, others count the bytes that they get.

Publisher and subscribers are a process each, beside the broker's. What is published are bytes that were made before,
and what arrives is not looked at but for the size of the first message, so that they cost less than any broker; the
figures ``publisher %`` and ``subscribers %`` say how much of a processor each took.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.process import BaseProcess
from typing import Any

from bench.core import processor_seconds
from bench.suite.brokers import Broker
from bench.suite.dialects.dialect import Dialect
from bench.suite.measurement import Sample, Skipped
from bench.suite.processes import counter, flag, meanwhile

__all__ = ["FanOut", "deliveries_per_second", "growth"]

_WARM_UP = 0.3  # seconds
_PATIENCE = 30.0  # seconds until the first messages arrive
_PAUSE = 0.0002  # seconds
_TOPICS = 1000  # of a connection
_WRITE = 1 << 16  # bytes of a batch, at most


@dataclass(frozen=True, slots=True)
class FanOut:
    """Who publishes how.

    :ivar subscribers: how many get each message.
    :ivar batch: messages for each write, at most.
    :ivar payload: its bytes.
    :ivar topics: how many are published on in turn; every subscriber has them all, a thousand on each connection.
    :ivar under_way: messages that were published and have not arrived everywhere, at most: the depth of the pipeline.
    :ivar bytes_under_way: the same for bytes, except that there is always one message.
    """

    subscribers: int = 1
    batch: int = 64
    payload: int = 100
    topics: int = 1
    under_way: int = 2048
    bytes_under_way: int = 1 << 19

    @property
    def window(self) -> int:
        """Messages under way, at most."""
        return max(1, min(self.under_way, self.bytes_under_way // self.payload))

    def writes(self, dialect: Dialect, topics: Sequence[str]) -> list[tuple[int, bytes]]:
        """Return what is written in turn, as the number of messages in each and their bytes."""
        batch = max(1, min(self.batch, self.window, _WRITE // self.payload))
        messages = [dialect.publication(topic, b"x" * self.payload) for topic in topics]
        messages *= -(-batch // len(messages))
        groups = [messages[start : start + batch] for start in range(0, len(messages), batch)]
        return [(len(group), b"".join(group)) for group in groups]


def deliveries_per_second(broker: Broker[Dialect], load: FanOut, seconds: float) -> Sample:
    """Publish for so long, and return what arrived.

    :raises Skipped: when nothing does.
    """
    word = os.urandom(4).hex()
    topics = [f"bench/{word}/{number:05}" for number in range(load.topics)]
    arrived, ready = counter(), flag()
    with meanwhile(_count, broker.dialect, load, topics, arrived, ready) as counting:
        with meanwhile(_publish, broker.dialect, load, topics, arrived, ready) as publishing:
            parts = {"publisher": publishing, "subscribers": counting}
            return growth("deliveries", arrived, broker, parts, seconds)


def growth(what: str, count: Any, broker: Broker[Dialect], parts: Mapping[str, BaseProcess], seconds: float) -> Sample:
    """Return how fast a count grows once it does, and how busy everybody is with it.

    :param parts: the processes of the load, by what they do.
    :raises Skipped: when it does not grow.
    """
    _wait_until_it_grows(count, parts.values(), 0)
    time.sleep(min(_WARM_UP, seconds / 2))
    before, used, began = count.value, _used(broker, parts), time.perf_counter()
    time.sleep(seconds)
    _wait_until_it_grows(count, parts.values(), before)
    done, now, elapsed = count.value - before, _used(broker, parts), time.perf_counter() - began
    spent = {name: now[name] - used[name] for name in now}
    figures = {f"{what}/s": done / elapsed}
    if broker.pids:
        figures[f"{what}/cpu-s"] = done / max(spent["broker"], 0.01)
    return figures | {f"{name} %": 100 * each / elapsed for name, each in spent.items()}


def _wait_until_it_grows(count: Any, parts: Iterable[BaseProcess], before: int) -> None:
    """Wait; what is slow may come in bursts with more between than a short turn has."""
    end = time.monotonic() + _PATIENCE
    while count.value == before:
        if time.monotonic() > end or not all(each.is_alive() for each in parts):
            raise Skipped("nothing arrives")
        time.sleep(0.01)


def _used(broker: Broker[Dialect], parts: Mapping[str, BaseProcess]) -> dict[str, float]:
    """Return how much processor time everybody has used."""
    return {"broker": broker.processor_seconds()} | {
        name: processor_seconds(each.pid) for name, each in parts.items() if each.pid is not None
    }


def _count(dialect: Dialect, load: FanOut, topics: Sequence[str], arrived: Any, ready: Any) -> None:
    """Subscribe, and count what arrives at all subscribers together."""
    poll, streams = select.epoll(), {}
    parts = [topics[start : start + _TOPICS] for start in range(0, len(topics), _TOPICS)]
    for number, part in enumerate(parts * load.subscribers):
        stream = dialect.connect(f"{topics[0].split('/')[1]}-{number}")
        dialect.subscribe(stream, part)
        streams[stream.socket.fileno()] = stream
        poll.register(stream.socket.fileno(), select.EPOLLIN)
    ready.set()
    first, size, received = b"", None, 0
    while True:
        for number, _ in poll.poll():
            piece = streams[number].read_some()
            received += len(piece)
            if size is None:
                first += piece
                size = dialect.delivery_size(first)
            if size:
                arrived.value = received // size


def _publish(dialect: Dialect, load: FanOut, topics: Sequence[str], arrived: Any, ready: Any) -> None:
    """Publish as fast as it arrives."""
    stream = dialect.connect(f"{topics[0].split('/')[1]}-publisher")
    writes = load.writes(dialect, topics)
    ready.wait()
    sent = 0
    for messages, data in cycle(writes):
        while (sent + messages - load.window) * load.subscribers > arrived.value:
            time.sleep(_PAUSE)
        stream.send(data)
        sent += messages
