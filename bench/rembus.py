"""Measure any broker of the Rembus protocol: messages, calls and logins a second, over one WebSocket for each client.

    python bench/rembus.py --url ws://127.0.0.1:8338 [--seconds 4] [--only qos0]

All clients are in this process, which does nothing but move bytes: every message of a case is equally long, frames are
masked with zeros, and no more is under way than is asked for, so that no broker has a reason to drop anything. Against
a broker on the same machine it takes a processor of its own.
"""

from __future__ import annotations

import argparse
import os
import selectors
import socket
import ssl
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_PAYLOAD = 100  # bytes
_WINDOW = 1024  # messages under way at QoS 0
_IN_FLIGHT = 64  # publications without acknowledgement at QoS 1
_BLOCK = 1 << 18  # bytes that are read at a time

Figures = dict[str, float]


class Client:
    """One client, on a blocking socket that is read when there is something."""

    def __init__(self, url: str, name: str = "") -> None:
        where = urlsplit(url)
        self.socket = socket.create_connection((where.hostname or "127.0.0.1", where.port or 8338), 20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if where.scheme == "wss":
            context = ssl.create_default_context(cafile=os.environ.get("HTTP_CA_BUNDLE"))
            self.socket = context.wrap_socket(self.socket, server_hostname=where.hostname)
        self.received = b""
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: {where.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.received:
            self.received += self.socket.recv(_BLOCK)
        self.received = self.received.partition(b"\r\n\r\n")[2]
        if name:
            self.ask(b"\x84\x00", text(name) + b"\xa0")

    def ask(self, begin: bytes, rest: bytes) -> None:
        """Send a request, and wait for its answer, whatever else comes."""
        id = os.urandom(8)
        self.socket.sendall(frame(begin + b"\x48" + id + rest))
        while id not in self.received:
            self.received += self.socket.recv(_BLOCK)
        self.received = b""

    def admin(self, topic: str, command: bytes) -> None:
        """Send an admin command."""
        self.ask(b"\x84\x03", text(topic) + command)

    def read(self, size: int) -> list[bytes]:
        """Return the messages that are there, all of one size with their frames; other ones are not expected."""
        self.received += self.socket.recv(_BLOCK)
        whole = len(self.received) - len(self.received) % size
        found = [self.received[at : at + size] for at in range(0, whole, size)]
        self.received = self.received[whole:]
        return found


def text(value: str) -> bytes:
    """Return a short text as CBOR."""
    return bytes((0x60 | len(value),)) + value.encode()


def frame(message: bytes) -> bytes:
    """Return a message in a frame of a client."""
    size = len(message)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x82" + length + bytes(4) + message


def size_of(message: bytes) -> int:
    """Return how long a message is in a frame of a server."""
    return len(message) + (2 if len(message) < 126 else 4)


ARGUMENTS = b"\x81\x58" + bytes((_PAYLOAD,)) + b"x" * _PAYLOAD
SUBSCRIBE = b"\xa1\x63cmd\x69subscribe"
EXPOSE = b"\xa1\x63cmd\x66expose"
REACTIVE = b"\xa2\x63cmd\x68reactive\x66status\xf5"


def subscribers(url: str, count: int, topic: str) -> list[Client]:
    """Connect clients that want a topic."""
    clients = [Client(url, f"sub{os.urandom(4).hex()}") for _ in range(count)]
    for client in clients:
        client.admin(topic, SUBSCRIBE)
        client.admin("__config__", REACTIVE)
    return clients


@contextmanager
def watching(*clients: Client) -> Iterator[Callable[[], list[Client]]]:
    """Give a function that waits for something to read, and says who has it."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        yield lambda: [key.data for key, _ in selector.select(20)] or _silence()
    for client in clients:
        client.socket.close()


def _silence() -> list[Client]:
    raise SystemExit("the broker says nothing any more")


def measure_qos0(url: str, seconds: float, count: int) -> Figures:
    """Publish, never further ahead than a window of the slowest subscriber."""
    topic = f"b{os.urandom(4).hex()}"
    message = b"\x83\x01" + text(topic) + ARGUMENTS
    wanting, publisher = subscribers(url, count, topic), Client(url)
    batch, sent, got = frame(message) * (_WINDOW // 4), 0, dict.fromkeys(wanting, 0)
    with watching(*wanting) as wait:
        begin = time.perf_counter()
        while time.perf_counter() < begin + seconds:
            while sent - min(got.values()) <= _WINDOW * 3 // 4:
                publisher.socket.sendall(batch)
                sent += _WINDOW // 4
            for client in wait():
                got[client] += len(client.read(size_of(message)))
        span = time.perf_counter() - begin
    publisher.socket.close()
    return {"published/s": min(got.values()) / span, "delivered/s": sum(got.values()) / span}


def measure_qos1(url: str, seconds: float, count: int) -> Figures:
    """Publish with acknowledgement, some at a time; the subscribers acknowledge what they get."""
    topic = f"b{os.urandom(4).hex()}"
    rest = text(topic) + ARGUMENTS
    wanting, publisher = subscribers(url, count, topic), Client(url)
    acknowledgement = size_of(b"\x82\x05\x48" + bytes(8))
    delivery = size_of(b"\x84\x11\x48" + bytes(8) + rest)
    number, acknowledged, got = 0, 0, 0

    def publish(more: int) -> None:
        nonlocal number
        ids = (at.to_bytes(8, "little") for at in range(number, number + more))
        publisher.socket.sendall(b"".join(frame(b"\x84\x11\x48" + id + rest) for id in ids))
        number += more

    with watching(publisher, *wanting) as wait:
        begin = time.perf_counter()
        publish(_IN_FLIGHT)
        while time.perf_counter() < begin + seconds:
            for client in wait():
                if client is publisher:
                    done = len(client.read(acknowledgement))
                    acknowledged += done
                    publish(done)
                    continue
                messages = client.read(delivery)
                got += len(messages)
                begins = (message.index(b"\x84\x11\x48") + 3 for message in messages[:1])
                offset = next(begins, 0)
                client.socket.sendall(b"".join(frame(b"\x82\x05\x48" + each[offset : offset + 8]) for each in messages))
        span = time.perf_counter() - begin
    return {"published/s": acknowledged / span, "delivered/s": got / span}


def measure_calls(url: str, seconds: float, in_flight: int) -> Figures:
    """Call, some at a time; the exposer answers at once."""
    topic = f"b{os.urandom(4).hex()}"
    exposer, caller = Client(url, f"exp{os.urandom(4).hex()}"), Client(url)
    exposer.admin(topic, EXPOSE)
    rest = text(topic) + b"\xf6" + ARGUMENTS
    asked, answered = size_of(b"\x85\x02\x48" + bytes(8) + rest), size_of(b"\x84\x04\x48" + bytes(8) + b"\x00\x01")
    number, times, begun = 0, [], {}

    def call(more: int) -> None:
        nonlocal number
        for _ in range(more):
            number += 1
            id = number.to_bytes(8, "little")
            begun[id] = time.perf_counter()
            caller.socket.sendall(frame(b"\x85\x02\x48" + id + rest))

    with watching(exposer, caller) as wait:
        begin = time.perf_counter()
        call(in_flight)
        while time.perf_counter() < begin + seconds:
            for client in wait():
                if client is exposer:
                    for message in client.read(asked):
                        at = message.index(b"\x85\x02\x48") + 3
                        client.socket.sendall(frame(b"\x84\x04\x48" + message[at : at + 8] + b"\x00\x01"))
                    continue
                messages = client.read(answered)
                times += [time.perf_counter() - begun.pop(message[5:13]) for message in messages]
                call(len(messages))
        span = time.perf_counter() - begin
    quantiles = statistics.quantiles(times, n=100)
    return {"calls/s": len(times) / span, "p50 ms": 1e3 * quantiles[49], "p99 ms": 1e3 * quantiles[98]}


def measure_logins(url: str, seconds: float) -> Figures:
    """Connect under a name without a key, one after the other."""
    begin, done = time.perf_counter(), 0
    while time.perf_counter() < begin + seconds:
        Client(url, f"name{os.urandom(4).hex()}").socket.close()
        done += 1
    return {"logins/s": done / (time.perf_counter() - begin)}


CASES: dict[str, Callable[[str, float], Figures]] = {
    "qos0 1 to 1": lambda url, seconds: measure_qos0(url, seconds, 1),
    "qos0 1 to 4": lambda url, seconds: measure_qos0(url, seconds, 4),
    "qos1 1 to 1": lambda url, seconds: measure_qos1(url, seconds, 1),
    "qos1 1 to 4": lambda url, seconds: measure_qos1(url, seconds, 4),
    "calls 1 at a time": lambda url, seconds: measure_calls(url, seconds, 1),
    "calls 8 at a time": lambda url, seconds: measure_calls(url, seconds, 8),
    "named logins": measure_logins,
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", default="ws://127.0.0.1:8338")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--only", default="", help="cases that begin like this")
    options = parser.parse_args()
    for name, measure in CASES.items():
        if name.startswith(options.only):
            figures = measure(options.url, options.seconds)
            print(f"{name:18}", ", ".join(f"{value:,.2f} {unit}" for unit, value in figures.items()), flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
