"""Who loads a broker of the Rembus protocol: clients of one WebSocket each, which do nothing but move bytes.

Frames are masked with zeros.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["Broker", "Client", "Stopwatch", "frame", "size_of", "text", "watching"]

_BLOCK = 1 << 18  # bytes that are read at a time
_PATIENCE = 20.0  # seconds that a broker may be silent


@dataclass(frozen=True, slots=True)
class Broker:
    """Whom to measure.

    :ivar used: tells how many seconds of a processor it has used, if that can be known.
    """

    url: str
    used: Callable[[], float] | None = None


class Stopwatch:
    """Makes rates of what was done from now on."""

    def __init__(self, broker: Broker) -> None:
        self._used = broker.used
        self._cpu = self._used() if self._used is not None else 0.0
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """The seconds until now."""
        return time.perf_counter() - self._began

    def rates(self, **counts: int) -> dict[str, float]:
        """Return how much of each was done in a second, and in a second of the broker's processor time."""
        seconds = self.seconds
        cpu = self._used() - self._cpu if self._used is not None else 0.0
        found = {f"{name}/s": count / seconds for name, count in counts.items()}
        return found | ({f"{name}/cpu-s": count / cpu for name, count in counts.items()} if cpu else {})


class Client:
    """One client, on a blocking socket that is read when there is something."""

    def __init__(self, url: str, name: str = "") -> None:
        where = urlsplit(url)
        self.socket = socket.create_connection((where.hostname or "127.0.0.1", where.port or 8338), _PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if where.scheme == "wss":
            context = ssl.create_default_context(cafile=os.environ.get("HTTP_CA_BUNDLE"))
            self.socket = context.wrap_socket(self.socket, server_hostname=where.hostname)
        self.received = b""
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: {where.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._read_until(b"\r\n\r\n")
        self.received = self.received.partition(b"\r\n\r\n")[2]
        if name:
            self.ask(b"\x84\x00", text(name) + b"\xa0")

    def ask(self, begin: bytes, rest: bytes) -> None:
        """Send a request, and wait for its answer, whatever else comes."""
        id = os.urandom(8)
        self.socket.sendall(frame(begin + b"\x48" + id + rest))
        self._read_until(id)
        self.received = b""

    def admin(self, topic: str, command: bytes) -> None:
        """Send an admin command."""
        self.ask(b"\x84\x03", text(topic) + command)

    def read(self, size: int) -> list[bytes]:
        """Return the messages that are there, all of one size with their frames; other ones are not expected."""
        self._receive()
        whole = len(self.received) - len(self.received) % size
        found = [self.received[at : at + size] for at in range(0, whole, size)]
        self.received = self.received[whole:]
        return found

    def read_one(self, size: int) -> bytes:
        """Wait for the next message, which has so many bytes with its frame."""
        while len(self.received) < size:
            self._receive()
        message, self.received = self.received[:size], self.received[size:]
        return message

    def _read_until(self, wanted: bytes) -> None:
        while wanted not in self.received:
            self._receive()

    def _receive(self) -> None:
        data = self.socket.recv(_BLOCK)
        if not data:
            raise SystemExit("the broker closed a connection")
        self.received += data


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


@contextmanager
def watching(*clients: Client) -> Iterator[Callable[[], Sequence[Client]]]:
    """Give a function that waits for something to read, and says who has it; close the connections at the end."""
    numbered = {client.socket.fileno(): client for client in clients}
    with select.epoll() as readable:
        for number, client in numbered.items():
            client.socket.settimeout(None)  # with one, the system is asked before each read and write, too
            readable.register(number, select.EPOLLIN)
        yield lambda: [numbered[number] for number, _ in readable.poll(_PATIENCE)] or _silence()
    for client in clients:
        client.socket.close()


def _silence() -> Sequence[Client]:
    raise SystemExit("the broker says nothing any more")
