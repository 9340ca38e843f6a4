"""A gigabyte from a stranger: nothing of it is kept, and hardly anything of it is read."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

from tests.daemon import Daemon, start_daemon
from tests.interop.core import ask
from tests.support import Case, slow

GIGABYTE = 1 << 30
MEGABYTE = 1 << 20
PIECE = b"x" * 65536
CHUNK = b"10000\r\n" + PIECE + b"\r\n"
HEAD = b"POST /ca/sign HTTP/1.1\r\nHost: core\r\n"

MOST_MEMORY = 20 * MEGABYTE
MOST_READ = 20 * MEGABYTE  # the buffers of two sockets, which the kernel may let grow


class FloodTests(Case):
    def setUp(self) -> None:
        slow()
        self.temporary = Path(self.mktemp()).resolve()
        self.temporary.mkdir()

    def start(self, *options: str) -> Daemon:
        return start_daemon(self, *options, environment={"TMPDIR": str(self.temporary)})

    def test_a_declared_length_to_one_who_does_not_listen(self) -> None:
        self.flood(b"Content-Length: %d\r\n\r\n" % GIGABYTE, PIECE, listens=False)

    def test_a_declared_length_to_one_who_listens(self) -> None:
        self.flood(b"Content-Length: %d\r\n\r\n" % GIGABYTE, PIECE, listens=True)

    def test_chunks(self) -> None:
        self.flood(b"Transfer-Encoding: chunked\r\n\r\n", CHUNK, listens=False)

    def test_chunks_from_one_who_listens(self) -> None:
        self.flood(b"Transfer-Encoding: chunked\r\n\r\n", CHUNK, listens=True)

    def test_one_header_without_an_end(self) -> None:
        self.flood(b"X: ", PIECE, listens=False)

    def test_headers_without_an_end(self) -> None:
        self.flood(b"", b"X: y\r\n" * 10_000, listens=False)

    def test_plain_text(self) -> None:
        self.flood(b"Transfer-Encoding: chunked\r\n\r\n", CHUNK, listens=False, plain=True)

    def flood(self, rest: bytes, piece: bytes, *, listens: bool, plain: bool = False) -> None:
        """Send a gigabyte, or as much as is taken, and check what the daemon kept meanwhile."""
        daemon = self.start(*(["--no-tls"] if plain else []))
        if not plain:
            self.assertEqual(ask(daemon, "GET", "/system/ready").status, 200)
        before, files = memory(daemon), set(listing(daemon, self.temporary))
        peak = Peak(daemon, self.temporary)
        with peak, socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as connection:
            sent, answer = send(connection if plain else wrapped(daemon, connection), HEAD + rest, piece, listens)
        grown = peak.memory - before
        print(f" [{sent / MEGABYTE:.1f} MB were taken, memory grew by {grown / MEGABYTE:.1f} MB]", end="")
        self.assertLess(sent, MOST_READ)
        self.assertLess(grown, MOST_MEMORY)
        self.assertEqual(peak.files - files, set())
        if listens:
            self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        if not plain:
            self.assertEqual(ask(daemon, "GET", "/system/ready").status, 200)


class Peak:
    """Watches a daemon's memory and files while a block lasts."""

    def __init__(self, daemon: Daemon, temporary: Path) -> None:
        self.memory = 0
        self.files: set[str] = set()
        self._daemon = daemon
        self._temporary = temporary
        self._over = Event()
        self._thread = Thread(target=self._watch)

    def _watch(self) -> None:
        while True:
            self.memory = max(self.memory, memory(self._daemon))
            self.files.update(listing(self._daemon, self._temporary))
            if self._over.wait(0.05):
                return

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()


def memory(daemon: Daemon) -> int:
    """Return the daemon's resident memory in bytes."""
    lines = Path(f"/proc/{daemon.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def listing(daemon: Daemon, temporary: Path) -> Iterator[str]:
    """List what the daemon has in its temporary directory, and which files it has open, deleted ones too."""
    yield from (str(path) for path in temporary.rglob("*"))
    descriptors = Path(f"/proc/{daemon.pid}/fd")
    for descriptor in descriptors.iterdir():
        with contextlib.suppress(OSError):
            target = os.readlink(descriptor)
            if target.startswith("/") and not target.startswith("/dev/"):
                yield target


def wrapped(daemon: Daemon, connection: socket.socket) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
    return context.wrap_socket(connection, server_hostname="localhost")


def send(connection: socket.socket, head: bytes, piece: bytes, listens: bool) -> tuple[int, bytes]:
    """Send until a gigabyte is gone or nothing more is taken; return how much was taken, and the answer."""
    sent, answer = 0, b""
    with contextlib.suppress(OSError):
        connection.sendall(head)
        while sent < GIGABYTE:
            if listens:
                connection.settimeout(0.01)
                with contextlib.suppress(TimeoutError):
                    answer = connection.recv(4096)
                    break
                connection.settimeout(60)
            connection.sendall(piece)
            sent += len(piece)
    return sent, answer
