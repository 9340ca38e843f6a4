"""What good clients notice of a flood of bad tokens, each with a salt of its own, for which the core must derive a key.

Two clients ask for certificates, each request on a connection of its own, as the components of Fix Inventory do: one
keeps a salt, the other has a new one each time. They do so in quiet, then while 32 connections flood the core from
another address, then while these come from their own address. The flood is a process of its own with the lowest
priority: it takes what the core and the clients leave of the processors, as a flood from other machines would take
nothing of them. The tokens of the clients are made before, and they begin when the flood is well under way.

    .venv/bin/python bench/flood.py [--seconds 10] [--connections 32] [--keep]
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import os
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from threading import Thread

from core import Core, running_core

from pkid.ca.enrollment import Enrollment
from pkid.ca.keys import KeyType

MARK = 3.0
PAUSE = 0.05  # seconds between the requests of a good client
HOME, AWAY = "127.0.0.1", "127.0.0.2"


@dataclass
class Notes:
    """What one client noticed in one phase."""

    seconds: list[float] = field(default_factory=list)
    busy: int = 0

    def percentile(self, share: float) -> float:
        """Return a latency in seconds."""
        ordered = sorted(self.seconds) or [float("nan")]
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Client:
    """A good client.

    :param tokens: one to keep, or one for each request.
    """

    def __init__(self, name: str, core: Core, tokens: Iterator[str], bodies: Iterator[bytes], keep: bool) -> None:
        self.name = name
        self._core = core
        self._tokens = tokens
        self._bodies = bodies
        self._keep = keep
        self._context = ssl.create_default_context(cafile=core.authority)

    def run(self, seconds: float) -> Notes:
        """Ask again and again for so long."""
        notes = Notes()
        connection = self._connection()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            token, body = next(self._tokens), next(self._bodies)
            started = time.monotonic()
            status, retry = self._ask(connection, token, body)
            took = time.monotonic() - started
            if status == 200:
                notes.seconds.append(took)
            elif status == 503 and retry:
                notes.busy += 1
            else:
                raise SystemExit(f"the client with {self.name} got {status}")
            if not self._keep:
                connection.close()
                connection = self._connection()
            time.sleep(PAUSE)
        connection.close()
        return notes

    def _connection(self) -> HTTPSConnection:
        return HTTPSConnection("localhost", self._core.port, context=self._context, timeout=60)

    def _ask(self, connection: HTTPSConnection, token: str, body: bytes) -> tuple[int, str | None]:
        connection.request("POST", "/ca/sign", body, {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        return response.status, response.headers["Retry-After"]


def main() -> None:
    """Measure, and print a line for each client and phase."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of each phase")
    parser.add_argument("--connections", type=int, default=32, help="of the flood")
    parser.add_argument("--keep", action="store_true", help="the clients keep their connections")
    parser.add_argument("--fresh", action="store_true", help="the flood makes a connection for each token")
    options = parser.parse_args()
    with running_core() as core:
        clients = make_clients(core, options)
        quiet = measure(clients, options.seconds)
        report("quiet", clients, quiet, quiet)
        for title, address in (("another address", AWAY), ("the same address", HOME)):
            with flood(core, address, options) as counter:
                notes = measure(clients, options.seconds)
            report(f"flood from {title}, {counter.value / options.seconds:.0f} tokens/s", clients, notes, quiet)


def make_clients(core: Core, options: argparse.Namespace) -> list[Client]:
    """Make the two, with all that they will send."""
    count = int(3 * options.seconds / PAUSE) + 10
    key = KeyType.P256.generate()
    bodies = [Enrollment.of(key, f"c{number}.example", (), ()).request() for number in range(2 * count)]
    known = core.token()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        fresh = list(pool.map(lambda _: core.token(), range(count)))
    return [
        Client("a known salt", core, iter([known] * count), iter(bodies[:count]), options.keep),
        Client("new salts", core, iter(fresh), iter(bodies[count:]), options.keep),
    ]


def measure(clients: list[Client], seconds: float) -> list[Notes]:
    """Let the clients work side by side."""
    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(lambda client: client.run(seconds), clients))


def report(title: str, clients: list[Client], notes: list[Notes], quiet: list[Notes]) -> None:
    """Print one line for each client."""
    print(f"{title}:")
    for client, noted, before in zip(clients, notes, quiet, strict=True):
        p50, p95 = noted.percentile(0.5) * 1000, noted.percentile(0.95) * 1000
        ratio = p95 / before.percentile(0.95) / 1000
        print(
            f"  {client.name:12} p50 {p50:6.1f} ms, p95 {p95:6.1f} ms = {ratio:4.1f} x quiet (mark {MARK:.0f}), "
            f"{len(noted.seconds)} signed, {noted.busy} times 503 with Retry-After"
        )


@contextmanager
def flood(core: Core, address: str, options: argparse.Namespace) -> Iterator[multiprocessing.sharedctypes.Synchronized]:
    """Flood a core from an address while the block lasts; give the count of tokens that were answered."""
    counter = multiprocessing.Value("i", 0)
    arguments = (core.port, core.authority, address, options.connections, options.fresh, counter)
    process = multiprocessing.Process(target=run_flood, args=arguments, daemon=True)
    process.start()
    while counter.value < 2 * options.connections:  # at first nobody knows what the connections are up to
        time.sleep(0.1)
    counter.value = 0
    yield counter
    process.kill()
    process.join()


def run_flood(port: int, authority: str, address: str, connections: int, fresh: bool, counter) -> None:
    """Send bad tokens over many connections, for ever."""
    os.nice(19)
    context = ssl.create_default_context(cafile=authority)
    for _ in range(connections):
        Thread(target=send_bad_tokens, args=(port, context, address, fresh, counter)).start()


def send_bad_tokens(port: int, context: ssl.SSLContext, address: str, fresh: bool, counter) -> None:
    """Send one bad token after the other from an address."""
    while True:
        connection = HTTPSConnection("localhost", port, context=context, timeout=60, source_address=(address, 0))
        with suppress(OSError, HTTPException):
            while True:
                connection.request("POST", "/ca/sign", b"", {"Authorization": f"Bearer {bad_token()}"})
                connection.getresponse().read()
                with counter.get_lock():
                    counter.value += 1
                if fresh:
                    break
        connection.close()


def bad_token() -> str:
    """Make a token with a new salt that no key signed."""
    header = {"alg": "HS256", "typ": "JWT", "salt": base64.b64encode(os.urandom(16)).decode()}
    parts = (json.dumps(header).encode(), json.dumps({"exp": int(time.time()) + 300}).encode(), os.urandom(32))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


if __name__ == "__main__":
    main()
