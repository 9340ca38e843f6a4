"""Processes: work done apart from this one, programs that serve for a while, and what a process has used."""

from __future__ import annotations

import multiprocessing
import random
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from bench.suite.measurement import Skipped

__all__ = [
    "Apart",
    "and_children",
    "apart",
    "barrier",
    "counter",
    "flag",
    "free_port",
    "meanwhile",
    "numbers",
    "open_many_files",
    "resident_bytes",
    "serving",
]

T = TypeVar("T")

_FORK = multiprocessing.get_context("fork")
_PATIENCE = 60.0  # seconds that a program has to start
_PORTS = range(20000, 32000)  # below those of outgoing connections


class Apart:
    """Work in a process of its own, which begins at once."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        self._results, results = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_report, args=(results, work, arguments), daemon=True)
        self._process.start()
        results.close()

    def result(self) -> Any:
        """Wait until it is done, and return what it gave.

        :raises Skipped: when it failed; its own words are on standard error.
        """
        try:
            result = self._results.recv()
        except EOFError:
            raise Skipped("a part of the measurement failed") from None
        self._process.join()
        return result


def apart(work: Callable[..., T], *arguments: Any) -> T:
    """Do work in a process of its own, and wait for it."""
    result: T = Apart(work, *arguments).result()
    return result


def _report(results: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    results.send(work(*arguments))


@contextmanager
def meanwhile(work: Callable[..., None], *arguments: Any) -> Iterator[BaseProcess]:
    """Do work that has no end in a process of its own until the block ends.

    :raises Skipped: when it ended before the block did; its own words are on standard error.
    """
    process = _FORK.Process(target=work, args=arguments, daemon=True)
    process.start()
    try:
        yield process
        if not process.is_alive():
            raise Skipped("a part of the measurement failed")
    finally:
        process.kill()
        process.join()


def counter() -> Any:
    """Return a number, its ``value``, which processes share; one of them may change it."""
    return _FORK.Value("q", 0, lock=False)


def numbers(count: int) -> Any:
    """Return so many numbers with fractions that processes share; one of them may change them."""
    return _FORK.Array("d", count, lock=False)


def barrier(parties: int) -> Any:
    """Return where so many processes wait for one another; whoever waits long raises, because somebody failed."""
    return _FORK.Barrier(parties, timeout=_PATIENCE)


def flag() -> Any:
    """Return an event that processes share."""
    return _FORK.Event()


def and_children(pid: int) -> tuple[int, ...]:
    """Return the numbers of a process and of those that it started."""
    return pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens at, and that no connection takes before a program does."""
    while True:
        port = random.choice(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def open_many_files() -> None:
    """Let this process, and those that it starts, have as many connections as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def serving(command: Sequence[str], port: int, **options: Any) -> Iterator[int]:
    """Run a program that serves at a port of 127.0.0.1; give its process's number.

    :raises Skipped: when it does not start.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Skipped(f"{Path(process.args[0]).name} did not start")  # type: ignore[index]
