"""How many messages are kept durably per second, how soon the past is recalled, and what that does to certificates.

The store alone, in a directory of its own: no broker, no TLS. Publishers wait for their acknowledgements, so groups
form as they do under load. The limit is SQLite itself, with groups of 500 in one table without indexes.

    .venv/bin/python bench/keep.py [--seconds 3] [--messages 100000] [--directory DIR]
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.application.service import IService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import deferLater, react

from pkid.broker.effects import Recall, Wanted
from pkid.broker.identity import Identity
from pkid.broker.message import Message, QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.topic import Pattern
from pkid.ca.ledger import Entry
from pkid.errors import PkidError
from pkid.store.messages.messages import Limits
from pkid.store.messages.opening import open_broker_store
from pkid.store.messages.schema import metadata
from pkid.store.messages.store import SQLBrokerStore
from pkid.store.opening import OpenLedger, open_ledger

SENDER = Identity("alice", True)
LIMITS = Limits(most=1 << 40, room=1 << 50)
TOPICS = 1000


class Publishers:
    """Keep so many messages under way, each followed by the next as soon as it is acknowledged."""

    def __init__(self, size: int, waiting: int) -> None:
        self.latencies: list[float] = []
        self.groups = 0
        self._payload = Payload(PayloadKind.BYTES, os.urandom(size))
        self._waiting = waiting
        self._begun: dict[int, float] = {}
        self._number = 0
        self._idle: Deferred[None] = Deferred()
        self.running = True
        self.store: SQLBrokerStore

    def begin(self, store: SQLBrokerStore) -> None:
        """Publish."""
        self.store = store
        for _ in range(self._waiting):
            self._publish()

    def told(self, numbers: Sequence[int], error: PkidError | None) -> None:
        """Take acknowledgements."""
        assert error is None, error
        now = time.perf_counter()
        self.groups += 1
        self.latencies += [now - self._begun.pop(number) for number in numbers]
        for _ in numbers if self.running else ():
            self._publish()
        if not self._begun:
            self._idle.callback(None)

    def finish(self) -> Deferred[None]:
        """Publish nothing more; fire when all is acknowledged."""
        self.running = False
        return self._idle

    def _publish(self) -> None:
        self._number += 1
        topic = f"sensors/{self._number % TOPICS}/value"
        size, qos = len(self._payload.data), QoS.AT_LEAST_ONCE
        message = Message(
            self._number, ".", topic, tuple(topic.split("/")), self._payload, size, qos, SENDER, time.time()
        )  # fmt: skip
        self._begun[self._number] = time.perf_counter()
        self.store.keep(message, awaited=True)


async def main(reactor: Any, options: argparse.Namespace) -> None:
    """Measure, and print one line for each case."""
    for size in (100, 10 << 10):
        with folder(options) as path:
            print(f"{size:>6} B  limit: {raw(path / 'raw.sqlite', size, options.seconds):>9,.0f}/s in groups of 500")
        for waiting in (1, 64, 1024):
            with folder(options) as path:
                await keep(reactor, path, size, waiting, options.seconds)
    with folder(options) as path:
        await recall(reactor, path, options.messages)
    for shared in (None, False, True):
        with folder(options) as path:
            await sign(reactor, path, shared, options.seconds)


def raw(path: Path, size: int, seconds: float) -> float:
    """Return how many rows SQLite takes in a second."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE messages (number INTEGER PRIMARY KEY, topic TEXT, payload BLOB)")
    payload, count, started = os.urandom(size), 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        connection.execute("BEGIN IMMEDIATE")
        rows = [(count + n, "sensors/17/value", payload) for n in range(500)]
        connection.executemany("INSERT INTO messages VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
        count += 500
    connection.close()
    return count / spent


async def keep(reactor: Any, path: Path, size: int, waiting: int, seconds: float) -> None:
    """Keep messages for so long."""
    publishers = Publishers(size, waiting)
    store, _, stop = start(reactor, path, publishers)
    cpu, started = time.process_time(), time.perf_counter()
    publishers.begin(store)
    await deferLater(reactor, seconds)
    await publishers.finish()
    spent, used, done = time.perf_counter() - started, time.process_time() - cpu, sorted(publishers.latencies)
    print(
        f"{size:>6} B, {waiting:>4} wait: {len(done) / spent:>9,.0f}/s {len(done) / used:>9,.0f}/cpu-s "
        f"p50 {at(done, 0.5):6.2f} ms p99 {at(done, 0.99):6.2f} ms, {len(done) / publishers.groups:.0f} in a group"
    )
    await stop()


async def recall(reactor: Any, path: Path, messages: int) -> None:
    """Keep many messages, and recall them by topic and by pattern."""
    publishers = Publishers(100, 1024)
    store, _, stop = start(reactor, path, publishers)
    publishers.begin(store)
    while len(publishers.latencies) < messages:
        await deferLater(reactor, 0.05)
    await publishers.finish()
    last = len(publishers.latencies)
    for what, pattern in (
        ("one topic of 1000", "sensors/17/value"),
        ("a pattern, everything", "sensors/**"),
        ("a pattern, one topic", "*/17/value"),
        ("a pattern, nothing", "other/**"),
    ):
        asked = Recall(1, ".", (Wanted(Pattern(pattern), 0.0, 0),), 0, last, 256, 1 << 20)
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        part = await store.recall(asked)
        first, found = time.perf_counter() - started, len(part.messages)
        while part.more:
            part = await store.recall(replace(asked, beyond=part.messages[-1].number))
            found += len(part.messages)
        spent, grown = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(
            f"recall of {last:,}, {what}: first part {first * 1000:.1f} ms, all {found:,} in {spent * 1000:,.0f} ms, "
            f"memory +{grown / 1024:.1f} MiB"
        )
    await stop()


async def sign(reactor: Any, path: Path, shared: bool | None, seconds: float) -> None:
    """Record certificates one by one, beside publishers or not."""
    publishers = Publishers(10 << 10, 64)
    store, ledger, stop = start(reactor, path, publishers, shared=bool(shared))
    if shared is not None:
        publishers.begin(store)
    latencies, serial, started = [], 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        serial += 1
        begun = time.perf_counter()
        await ledger.store.transact(recording(entry(serial)))
        latencies.append(time.perf_counter() - begun)
        await deferLater(reactor, 0.005)
    if shared is not None:
        await publishers.finish()
    case = {None: "alone", False: "beside messages in a file of their own", True: "beside messages in the same file"}
    done = sorted(latencies)
    print(
        f"a certificate is recorded {case[shared]}: p50 {at(done, 0.5):.2f} ms p99 {at(done, 0.99):.2f} ms "
        f"max {done[-1] * 1000:.2f} ms ({len(publishers.latencies) / seconds:,.0f} messages/s of 10 KiB)"
    )
    await stop()


def start(
    reactor: Any, path: Path, publishers: Publishers, *, shared: bool = False
) -> tuple[SQLBrokerStore, OpenLedger, Callable[[], Deferred[None]]]:
    """Start a store; return it, its ledger, and what stops both.

    :param shared: whether messages are to be kept in the ledger's file, by the ledger's thread.
    """
    ledger = open_ledger(path / "ledger.sqlite", reactor)
    opened = open_broker_store(path / "messages.sqlite", ledger.store, reactor, now, LIMITS)
    store, services = opened.store, [ledger.store, ledger.reader, *opened.services]
    if shared:
        ledger.store.write_now(lambda connection: metadata.create_all(connection))
        store = SQLBrokerStore(
            ledger.store, ledger.store, ledger.reader.read, reactor, lambda: datetime.now(UTC), LIMITS
        )
    opened.store.begin(publishers.told)
    if shared:
        ledger.store.write_now(lambda c: c.exec_driver_sql("INSERT INTO progress VALUES (1, 0)"))
        store.begin(publishers.told)
    for service in services:
        service.startService()
    return store, ledger, lambda: Deferred.fromCoroutine(end(services))


async def end(services: list[IService]) -> None:
    """Stop services, the last first."""
    for service in reversed(services):
        await maybeDeferred(service.stopService)


def recording(entry: Entry) -> Callable[[Any], None]:
    """Return work that records a certificate."""
    return lambda ledger: ledger.record([entry])


def entry(serial: int) -> Entry:
    """Return an entry as large as most."""
    begins, digest = now(), os.urandom(32)
    ends = begins + timedelta(days=365)
    return Entry(
        serial, f"worker-{serial}", False, "component", "psk:default", digest, digest, begins, begins, ends,
        os.urandom(700), origin="psk:default",
    )  # fmt: skip


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def at(ordered: list[float], share: float) -> float:
    """Return a quantile in milliseconds."""
    return ordered[int(len(ordered) * share)] * 1000


@contextmanager
def folder(options: argparse.Namespace) -> Iterator[Path]:
    """Give a directory for a block."""
    with TemporaryDirectory(dir=options.directory) as name:
        yield Path(name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--directory", help="where the files are made; by default where temporary files are")
    chosen = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, chosen)))
