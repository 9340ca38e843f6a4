"""A server that answers one connection after the other as a script says, well or badly.

Knows sockets and just enough of HTTP to find the end of a request; must not know what is asked. It serves in a thread,
because the code under test blocks.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

__all__ = ["Scripted", "Step", "drip", "http", "scripted", "silence"]

Step = bytes | Callable[[socket.socket, bytes], None]
"""What a connection gets: these bytes and the end, or what a function of connection and request does."""


@dataclass
class Scripted:
    """A running server.

    :ivar url: where it is.
    :ivar requests: what came in, one entry for each connection that was served.
    """

    url: str
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def scripted(*steps: Step, context: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """Serve one connection for each step on 127.0.0.1, then refuse; by TLS if there is a context."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scheme = "https" if context else "http"
        server = Scripted(f"{scheme}://localhost:{listener.getsockname()[1]}")
        thread = Thread(target=_serve, args=(listener, steps, context, server.requests))
        thread.start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def http(body: bytes = b"", status: int = 200, *headers: tuple[str, str], length: int | None = None) -> bytes:
    """Write an answer; *length* is what it says of its body, the truth by default."""
    fields = [("Content-Length", str(len(body) if length is None else length)), *headers]
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode() + body


def silence(connection: socket.socket, request: bytes) -> None:
    """Say nothing, until the other side goes."""
    connection.recv(1)


def drip(connection: socket.socket, request: bytes) -> None:
    """Send a header that goes on for ten seconds, a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ")
    connection.settimeout(0.05)
    for _ in range(200):
        connection.sendall(b"x")
        with suppress(TimeoutError):
            connection.recv(1)
            return


def _serve(
    listener: socket.socket, steps: tuple[Step, ...], context: ssl.SSLContext | None, requests: list[bytes]
) -> None:
    for step in steps:
        with suppress(OSError), listener.accept()[0] as plain:
            plain.settimeout(10)
            with context.wrap_socket(plain, server_side=True) if context else plain as connection:
                request = _request(connection)
                requests.append(request)
                if isinstance(step, bytes):
                    connection.sendall(step)
                else:
                    step(connection, request)
    listener.close()


def _request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += _more(connection)
    return head + b"\r\n\r\n" + body


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionError("the other side went")
    return received
