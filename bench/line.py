"""How fast the line door is, over TLS, for generators of load that do nothing but write and count lines.

Messages from one publisher to 1, 10 and 100 subscribers, in batches and one for each write; calls, one at a time and 32
in flight; logins by each kind of credential, each on a connection of its own. Beside each figure stands that of a door
that does next to nothing (bench/relay.py): the limit of Twisted and TLS on the same machine. Generators and core share
the processors; what one message, call or login costs the core's processor stands in brackets.

    .venv/bin/python bench/line.py [--seconds 4] [--only messages|calls|logins]
    .venv/bin/python bench/line.py --host HOST --ca ca.crt --psk-file psk [--port 8910] ...

With ``--host`` the core that runs there is measured; logins are by its pre-shared key alone then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.core import processor_seconds, running_core
from bench.kinds import Kind, enroll
from bench.wire import Address, Wire
from pkid.auth.own_credential import OwnPreSharedKey

BATCH = 64  # messages of a write
WINDOW = 2048  # messages that are under way at most, so that none is dropped
FLIGHT = 32  # calls under way
PAYLOAD = "x" * 100
PROCESSES = multiprocessing.get_context("fork")


class Target:
    """A door, and how its clients log in.

    :ivar kinds: a component for each kind of credential; none for a door that knows no names.
    :ivar pid: its process's number, if it is one of this machine's.
    """

    def __init__(self, address: Address, kinds: dict[str, Kind], pid: int | None) -> None:
        self.address = address
        self.kinds = kinds
        self.pid = pid

    def connect(self, name: str) -> Wire:
        """Return a connection, under a name that the pre-shared key proves, if the door knows names."""
        wire = Wire(self.address)
        if self.kinds:
            wire.log_in(name, self.kinds["psk"].own)
        return wire

    def come_and_go(self, kind: Kind | None) -> None:
        """Connect, log in, and leave."""
        wire = Wire(self.address, None if kind is None else kind.shown)
        if kind is not None:
            wire.log_in(kind.component, kind.own)
        wire.leave()

    def processor_seconds(self) -> float:
        """Return how much processor time it has used."""
        return 0.0 if self.pid is None else processor_seconds(self.pid)


@dataclass(frozen=True)
class Rate:
    """How often something is done.

    :ivar each: in a second.
    :ivar processor: seconds of the door's processor that each one takes; nothing for another machine's.
    """

    each: float
    processor: float

    @property
    def text(self) -> str:
        """Both, the latter in microseconds."""
        return f"{self.each:.0f} ({self.processor * 1e6:.1f} us)"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--only", choices=("messages", "calls", "logins"))
    parser.add_argument("--host", help="measure the core that runs there")
    parser.add_argument("--port", type=int, default=8910, help="the port of its line door")
    parser.add_argument("--ca", help="the file with its CA certificate")
    parser.add_argument("--psk-file", type=Path, help="the file with its pre-shared key")
    options = parser.parse_args()
    with core(options) as target, limit() as bare:
        if options.only in (None, "messages"):
            for subscribers in (1, 10, 100):
                for batch in (BATCH, 1):
                    how = "in batches" if batch > 1 else "one for each write"
                    case = f"messages 1 -> {subscribers}, {how}"
                    rates = [messages(each, subscribers, batch, options.seconds) for each in (target, bare)]
                    report(case, "delivered/s", *rates)
        if options.only in (None, "calls"):
            for flight in (1, FLIGHT):
                found = [calls(each, flight, options.seconds) for each in (target, bare)]
                half = " ".join(f"{each[1] * 1000:.2f}" for each in found)
                report(f"calls, {flight} in flight (p50 {half} ms)", "calls/s", *(each[0] for each in found))
        if options.only in (None, "logins"):
            without = logins(bare, None, options.seconds)
            for word, kind in target.kinds.items():
                report(f"logins, {word}", "logins/s", logins(target, kind, options.seconds), without)


def report(case: str, unit: str, found: Rate, bare: Rate) -> None:
    """Print one line."""
    print(f"{case:45} {found.text:>22} {unit:12} limit {bare.text:>22} {found.each / bare.each:>4.0%}", flush=True)


def messages(target: Target, subscribers: int, batch: int, seconds: float) -> Rate:
    """Return how many messages a second arrive."""
    topic = f"bench/{os.urandom(4).hex()}"
    arrived, ready = PROCESSES.Value("q", 0, lock=False), PROCESSES.Event()
    counting = start(count_messages, target, topic, subscribers, arrived, ready)
    publishing = start(publish, target, topic, batch, subscribers, arrived, ready)
    try:
        return rate(target, arrived, seconds)
    finally:
        end(publishing, counting)


def count_messages(target: Target, topic: str, subscribers: int, arrived: Any, ready: Any) -> None:
    """Subscribe so many times, and count what arrives."""
    selector = selectors.DefaultSelector()
    for number in range(subscribers):
        wire = target.connect(f"bench-{topic[6:]}-{number}")
        wire.ask(f"SUBSCRIBE {topic}")
        selector.register(wire.socket, selectors.EVENT_READ, wire)
    ready.set()
    while True:
        for key, _ in selector.select():
            arrived.value += key.data.read_some().count(b"\n")


def publish(target: Target, topic: str, batch: int, subscribers: int, arrived: Any, ready: Any) -> None:
    """Publish as much as arrives."""
    wire = target.connect(f"bench-{topic[6:]}-publisher")
    write = f"PUBLISH {topic} :{PAYLOAD}\n".encode() * batch
    ready.wait()
    sent = 0
    while True:
        while sent * subscribers - arrived.value > WINDOW * subscribers:
            time.sleep(0.0002)
        wire.send(write)
        sent += batch


def calls(target: Target, flight: int, seconds: float) -> tuple[Rate, float]:
    """Return how many calls a second are answered, and the median of their seconds."""
    topic = f"bench/{os.urandom(4).hex()}"
    answered, ready = PROCESSES.Value("q", 0, lock=False), PROCESSES.Event()
    took = PROCESSES.Array("d", 20_000, lock=False)
    answering = start(answer, target, topic, ready)
    calling = start(call, target, topic, flight, answered, took, ready)
    try:
        found = rate(target, answered, seconds)
        times = sorted(each for each in took if each)
        return found, times[len(times) // 2]
    finally:
        end(calling, answering)


def answer(target: Target, topic: str, ready: Any) -> None:
    """Answer all calls of a topic."""
    wire = target.connect(f"bench-{topic[6:]}-exposer")
    wire.ask(f"EXPOSE {topic}")
    ready.set()
    rest = b""
    while True:
        *lines, rest = (rest + wire.read_some()).split(b"\n")
        numbers = [line.split(b" ", 2)[1] for line in lines if line.startswith(b"INVOKE ")]
        if numbers:
            wire.send(b"".join(b"ANSWER %b :%b\n" % (number, PAYLOAD.encode()) for number in numbers))


def call(target: Target, topic: str, flight: int, answered: Any, took: Any, ready: Any) -> None:
    """Call, so many at a time."""
    wire = target.connect(f"bench-{topic[6:]}-caller")
    ready.wait()
    began: dict[bytes, float] = {}
    number, rest = 0, b""
    while True:
        line = b""
        while len(began) < flight:
            number += 1
            began[b"#%d" % number] = time.monotonic()
            line += b"#%d CALL %b :%b\n" % (number, topic.encode(), PAYLOAD.encode())
        wire.send(line)
        *lines, rest = (rest + wire.read_some()).split(b"\n")
        now = time.monotonic()
        for each in lines:
            request, verb, _ = each.split(b" ", 2)
            if verb != b"OK":
                raise SystemExit(each.decode())
            took[answered.value % len(took)] = now - began.pop(request)
            answered.value += 1


def logins(target: Target, kind: Kind | None, seconds: float) -> Rate:
    """Return how many times a second somebody connects, logs in and leaves."""
    done = PROCESSES.Value("q", 0, lock=False)
    coming = start(come_and_go, target, kind, done)
    try:
        return rate(target, done, seconds)
    finally:
        end(coming)


def come_and_go(target: Target, kind: Kind | None, done: Any) -> None:
    """Connect, log in and leave, again and again."""
    while True:
        target.come_and_go(kind)
        done.value += 1


def start(work: Callable[..., None], *arguments: Any) -> Any:
    """Run something in a process of its own."""
    process = PROCESSES.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def end(*processes: Any) -> None:
    """End processes."""
    for process in processes:
        if not process.is_alive():
            raise SystemExit("a generator of load ended before its time")
        process.kill()
        process.join()


def rate(target: Target, count: Any, seconds: float) -> Rate:
    """Return how fast a count grows, once it does."""
    limit = time.monotonic() + 30
    while count.value < 10:
        if time.monotonic() > limit:
            raise SystemExit("nothing arrives")
        time.sleep(0.01)
    time.sleep(0.5)  # until it is warm
    used, before, began = target.processor_seconds(), count.value, time.monotonic()
    time.sleep(seconds)
    done = count.value - before
    return Rate(done / (time.monotonic() - began), (target.processor_seconds() - used) / max(1, done))


@contextmanager
def core(options: argparse.Namespace) -> Iterator[Target]:
    """Yield the core that is meant, or one that is made for this."""
    if options.host:
        own = OwnPreSharedKey.derive("default", options.psk_file.read_text().strip(), os.urandom(16))
        yield Target(Address(options.host, options.port, options.ca), {"psk": Kind("bench-psk", own)}, None)
        return
    with running_core("--line", "tcp:0:interface=127.0.0.1") as running:
        address = Address("localhost", running.port_of("line"), running.authority)
        yield Target(address, enroll(running), running.pid)


@contextmanager
def limit() -> Iterator[Target]:
    """Yield a door that does next to nothing."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("relay.py")), name])
        try:
            while not (folder / "port").exists():
                time.sleep(0.05)
            yield Target(
                Address("localhost", int((folder / "port").read_text()), str(folder / "ca.crt")), None, process.pid
            )
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
