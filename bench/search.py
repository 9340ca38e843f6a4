"""How fast a ledger of a million certificates is searched, and how much memory that takes.

Makes a ledger of synthetic rows, starts a core on it, and asks over one TLS connection. For each search it prints how
long the first page took in the reader, and how long until the first byte of an answer. Then it lets the core write out
the whole ledger, and prints how long that took, and how much memory the core had before and at most.

    .venv/bin/python bench/search.py [--rows 1000000] [--state DIR]

A DIR that is kept (with ``--state``) has its rows made once only.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred, succeed

from pkid.auth.tokens import TokenSigner, derive_key
from pkid.inventory.inventory import Inventory
from pkid.store.search import CertificateSource
from pkid.store.sqlite import open_reader, open_sqlite

DAY = 86_400_000_000  # microseconds
LIMIT = 0.050  # seconds for a first page
KEEPING = ("--keep-expired", "forever")
"""So that a core does not begin to forget those that ended long ago."""
SEARCHES = (
    "is(certificate)",
    "is(resource)",
    "name = web-4711",
    "name like web-47*",
    "name like *4711",
    "serial > 4 sort serial",
    "not_after < 30d",
    "not_after < 30d and expired = false sort not_after",
    "expired = true sort not_after desc",
    "age < 1d sort issued_at desc",
    "profile = component sort name",
    "credential = psk:autumn",
    "is(resource) sort name",
    "profile = component and name like web-47* and issued_at > -30d sort issued_at",
    "name = web-4711 and profile = component sort not_after",
)
LINES = (
    "search is(resource) | count",
    "search is(certificate) | count profile",
    "search is(certificate) | count credential",
    "search not_after < 30d | count",
    "search is(certificate) | tail 5",
    "search is(certificate) and not_after < 30d | sort not_after | list | head 5",
    "system info",
)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--state", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        state = options.state or Path(folder) / "state"
        with core(state):
            pass  # its first start makes the state directory
        fill(state / "ledger.sqlite", options.rows)
        read_pages(state / "ledger.sqlite")
        with core(state) as process:
            ask(process, state)


def fill(ledger: Path, rows: int) -> None:
    """Add synthetic rows until there are so many."""
    database = sqlite3.connect(ledger)
    (present,) = database.execute("SELECT count(*) FROM certificates").fetchone()
    started = time.monotonic()
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    columns = "serial, name, proven, profile, credential, csr_sha256, sha256, issued_at, not_before, not_after"
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA cache_size = -500000")
    found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL").fetchall()
    indexes = found if present < rows else []  # made anew in the end, which takes a third of the time
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    database.executemany(
        f"INSERT INTO certificates ({columns}, certificate, origin, reversed_name) VALUES ({', '.join('?' * 13)})",
        (row(number, now) for number in range(present, rows)),
    )
    for _, sql in indexes:
        database.execute(sql)
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    size = ledger.stat().st_size / 1e6
    print(
        f"{rows} rows, {size:.0f} MB, {rows - present} of them made in {time.monotonic() - started:.0f} s", flush=True
    )


def row(number: int, now: int) -> tuple[Any, ...]:
    """Make one row: issued within the last 400 days, for 1, 90 or 365."""
    issued = now - random.randrange(400 * DAY)
    end = issued + random.choice((1, 90, 365)) * DAY
    credential = random.choice(("psk:default", "psk:default", "psk:autumn"))
    profile = "core" if number % 1000 == 0 else "component"
    serial, name = f"{random.getrandbits(159):040x}", f"web-{random.randrange(50_000)}"
    digests = os.urandom(32), os.urandom(32)
    return (
        serial,
        name,
        1,
        profile,
        credential,
        *digests,
        issued,
        issued - 60_000_000,
        end,
        os.urandom(500),
        credential,
        name[::-1],
    )


def read_pages(ledger: Path) -> None:
    """Print how long the first page of each search takes, and a count of all that it finds."""
    writer, engine = open_sqlite(ledger), open_reader(ledger)

    def read(work: Any, /) -> Deferred[Any]:
        with engine.connect() as connection, connection.begin():
            return succeed(work(connection))

    inventory = Inventory([CertificateSource(read)], lambda: datetime.now(UTC))
    for text in SEARCHES:
        taken = sorted(first_page(inventory, text) for _ in range(5))
        started = time.monotonic()
        number = wait(inventory.find(inventory.read(text)).count())
        counted = time.monotonic() - started
        verdict = "ok" if taken[-1] < LIMIT else "SLOW"
        times = f"first page {taken[2] * 1000:6.1f} ms, at most {taken[-1] * 1000:6.1f} ms {verdict:4}"
        print(f"{text:55} {times}  {number:8} counted in {counted * 1000:6.1f} ms")
    engine.dispose()
    writer.dispose()


def first_page(inventory: Inventory, text: str) -> float:
    """Return the seconds that the first page of a search takes."""
    started = time.monotonic()

    async def read() -> None:
        async for _ in inventory.find(inventory.read(text)).pages():
            return

    wait(read())
    return time.monotonic() - started


def wait(coroutine: Any) -> Any:
    """Return what a coroutine gives that waits for nothing."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addCallback(results.append)
    return results[0]


def ask(process: subprocess.Popen[bytes], state: Path) -> None:
    """Print how long the core takes for each line, and what it takes to write out everything."""
    port = int((state / "addresses").read_text().split()[2])
    context = ssl.create_default_context(cafile=str(state / "ca.crt"))
    connection = HTTPSConnection("localhost", port, context=context, timeout=600)
    headers = {"Authorization": f"Bearer {token(state)}", "Content-Type": "text/plain", "Accept": "text/plain"}
    execute(connection, headers, "welcome")
    for line in (*(f"search {text}" for text in SEARCHES), *LINES):
        first, _, size, count = execute(connection, headers, line, most=1 << 20)
        if size >= 1 << 20:
            connection.close()
        print(f"{line:80} first byte after {first * 1000:6.1f} ms, Result-Count {count}")
    before = memory(process.pid, "VmRSS")
    _, whole, size, _ = execute(connection, headers | {"Accept": "application/x-ndjson"}, "search is(certificate)")
    peak = memory(process.pid, "VmHWM")
    print(
        f"the whole ledger: {size / 1e6:.0f} MB in {whole:.1f} s; memory {before:.0f} MB before, {peak:.0f} MB at most"
    )


def execute(
    connection: HTTPSConnection, headers: dict[str, str], line: str, most: int = 1 << 62
) -> tuple[float, float, int, str | None]:
    """Run a line; return the seconds to the first byte and to the last, the bytes, and the count that came first."""
    started = time.monotonic()
    connection.request("POST", "/cli/execute", line.encode(), headers)
    response = connection.getresponse()
    size = len(response.read(1))
    first = time.monotonic() - started
    if response.status != 200:
        return first, first, 0, f"{response.status} {response.read().decode()}"
    while size < most and (piece := response.read(1 << 16)):
        size += len(piece)
    return first, time.monotonic() - started, size, response.getheader("Result-Count")


@contextmanager
def core(state: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a core for a while."""
    command = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "pkid", "--state", str(state)]
    (state / "addresses").unlink(missing_ok=True)
    process = subprocess.Popen(
        [*command, "--https", "tcp:0:interface=127.0.0.1", "--line", "off", "--rembus-wss", "off", *KEEPING],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (state / "addresses").exists():
            if process.poll() is not None:
                raise SystemExit("the core did not start")
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def token(state: Path) -> str:
    """Make a token that is good for the whole run."""
    salt = os.urandom(16)
    key = derive_key((state / "psk").read_text().strip(), salt)
    return TokenSigner(key, salt).sign({}, int(time.time()) + 3600)


def memory(pid: int, kind: str) -> float:
    """Return how much memory a process has (``VmRSS``) or had at most (``VmHWM``), in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(kind))) / 1000


if __name__ == "__main__":
    main()
