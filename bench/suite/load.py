"""The load: requests over kept TLS connections, as fast as the answers come, one in flight on each.

The requests are bytes that were made before, and an answer is read no further than to its end, so that one processor
sends more than any of the servers answers; `paths/generator.py` shows how much more.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from bench.core import processor_seconds
from bench.suite.measurement import Sample, Skipped
from bench.suite.processes import apart

__all__ = ["Target", "connect", "is_complete", "percentiles", "request", "requests_per_second"]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PER_ADDRESS = 500  # connections; a core has a limit
_GOOD, _BUSY, _STATUS = b" 200 ", b" 503 ", 13
_END_OF_CHUNKS = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to send requests to.

    :ivar pid: the server's process, whose processor time is taken.
    :ivar connections: how many at a time.
    """

    port: int
    pid: int
    connections: int = 16


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Write a request; underscores in the names of headers stand for hyphens."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def requests_per_second(target: Target, requests: Iterable[bytes], seconds: float) -> Sample:
    """Send requests, in a process apart, for so long or as long as there are any; return what that came to.

    A connection that is told that the server is too busy (503) asks no more, and the sample has how many were told so.

    :raises Skipped: when there is another answer than that or 200.
    """
    elapsed, used, latencies, busy, other = apart(_send_all, target, requests, seconds)
    if other:
        raise Skipped(f"it answered {other!r}")
    return {
        "requests/s": len(latencies) / elapsed,
        "requests/cpu-s": len(latencies) / used if used else float("inf"),
        **percentiles(latencies),
        **({"503": busy} if busy else {}),
    }


def percentiles(latencies: Sequence[float], prefix: str = "") -> Sample:
    """Return the median and the 99th percentile of latencies, in milliseconds."""
    ordered = sorted(latencies) or [float("nan")]
    return {
        f"{prefix}p50 ms": 1000 * ordered[len(ordered) // 2],
        f"{prefix}p99 ms": 1000 * ordered[len(ordered) * 99 // 100],
    }


def connect(port: int, source: str = "") -> ssl.SSLSocket:
    """Open a TLS connection, which trusts whoever answers: this is a measurement on one machine.

    :param source: the address that it comes from, if that matters.
    """
    plain = socket.create_connection(("127.0.0.1", port), 60, (source, 0) if source else None)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _context().wrap_socket(plain, server_hostname="localhost")


def is_complete(answer: bytes) -> bool:
    """Tell whether all of an answer came."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(_END_OF_CHUNKS)


@cache
def _context() -> ssl.SSLContext:
    """Make what all connections share; it loads no authorities, which takes much longer than a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Connection:
    """One connection, which sends the next request when an answer is complete."""

    def __init__(self, target: Target, number: int, waiting: Iterator[bytes]) -> None:
        self.socket = connect(target.port, f"127.0.9.{1 + number // _PER_ADDRESS}")
        self.socket.setblocking(False)
        self._waiting = waiting
        self.latencies: list[float] = []

    def send(self) -> bool:
        """Send the next request; false when there is none."""
        following = next(self._waiting, None)
        if following is None:
            return False
        self._received = b""
        self._began = time.perf_counter()
        self.socket.send(following)
        return True

    def receive(self) -> bytes | None:
        """Take what came; return the beginning of an answer that is complete."""
        try:
            while piece := self.socket.recv(65536):
                self._received += piece
        except ssl.SSLWantReadError:
            if not is_complete(self._received):
                return None
        return self._received[:200] or b"nothing"

    def note(self) -> None:
        """Note how long a good answer took."""
        self.latencies.append(time.perf_counter() - self._began)


def _send_all(
    target: Target, requests: Iterable[bytes], seconds: float
) -> tuple[float, float, list[float], int, bytes]:
    """Return the seconds that it took, those of the server's processor, the latency of each good answer, and others.

    The seconds do not have the time in which the connections were made.
    """
    waiting = iter(requests)
    made = (_Connection(target, number, waiting) for number in range(target.connections))
    connections = {each.socket.fileno(): each for each in made}
    poll, asking, busy, other = select.epoll(), 0, 0, b""
    used, began = processor_seconds(target.pid), time.perf_counter()
    for number, connection in connections.items():
        if connection.send():
            poll.register(number, select.EPOLLIN)
            asking += 1
    while asking:
        for number, _ in poll.poll():
            connection = connections[number]
            answer = connection.receive()
            if answer is None:
                continue
            if goes_on := _GOOD in answer[:_STATUS]:
                connection.note()
            elif _BUSY in answer[:_STATUS]:
                busy += 1
            else:
                other = other or answer
            over = other or time.perf_counter() - began > seconds
            if over or not goes_on or not connection.send():
                poll.unregister(number)
                asking -= 1
    elapsed, used = time.perf_counter() - began, processor_seconds(target.pid) - used
    return elapsed, used, [each for connection in connections.values() for each in connection.latencies], busy, other
