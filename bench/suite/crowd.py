"""A crowd: components that connect, log in, subscribe to one topic, and then only answer when they are asked."""

from __future__ import annotations

import multiprocessing
import os
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.suite.measurement import Skipped
from bench.wire import Address, Wire
from pkid.auth.own_credential import OwnPreSharedKey

__all__ = ["Crowd", "gathering"]

_FORK = multiprocessing.get_context("fork")
_PER_ADDRESS = 500  # sessions that come from one address
_PATIENCE = 120.0  # seconds


class Crowd:
    """Sessions of several processes.

    :param own: what their names are proven with; ``None`` for a server that asks for nothing and says nothing.
    :param topic: what they subscribe to.
    """

    def __init__(self, address: Address, own: OwnPreSharedKey | None, topic: str, processes: int) -> None:
        self.size = 0
        self._parts = [_Part(address, own, topic, number) for number in range(processes)]

    def grow(self, size: int) -> None:
        """Let more come, until there are so many."""
        count = len(self._parts)
        for number, part in enumerate(self._parts):
            part.tell("grow", (size + count - 1 - number) // count)
        for part in self._parts:
            part.answer()
        self.size = size

    def expect(self) -> None:
        """Forget what came so far."""
        for part in self._parts:
            part.tell("expect", 0)
            part.answer()

    def arrivals(self) -> list[float]:
        """Wait until each session got a message, and return when that was, by :func:`time.monotonic`."""
        for part in self._parts:
            part.tell("arrivals", 0)
        return [moment for part in self._parts for moment in part.answer()]

    def asked(self) -> int:
        """Return how often the core asked whether somebody is there."""
        for part in self._parts:
            part.tell("asked", 0)
        return sum(part.answer() for part in self._parts)

    def end(self) -> None:
        """End the processes, and so the sessions."""
        for part in self._parts:
            part.end()


@contextmanager
def gathering(address: Address, own: OwnPreSharedKey | None, topic: str) -> Iterator[Crowd]:
    """Yield a crowd, of nobody yet."""
    crowd = Crowd(address, own, topic, (os.cpu_count() or 1) + 1)
    try:
        yield crowd
    finally:
        crowd.end()


class _Part:
    """A process, as the others see it."""

    def __init__(self, address: Address, own: OwnPreSharedKey | None, topic: str, number: int) -> None:
        self._pipe, pipe = _FORK.Pipe()
        self._process = _FORK.Process(target=_take_part, args=(pipe, address, own, topic, number), daemon=True)
        self._process.start()
        pipe.close()

    def tell(self, what: str, number: int) -> None:
        self._pipe.send((what, number))

    def answer(self) -> Any:
        """Return what it says when it is done."""
        try:
            if self._pipe.poll(_PATIENCE):
                return self._pipe.recv()
        except EOFError:
            pass
        raise Skipped("a part of the crowd failed")

    def end(self) -> None:
        self._process.kill()
        self._process.join()


class _Sessions:
    """The sessions of one process."""

    def __init__(self, pipe: Any, address: Address, own: OwnPreSharedKey | None, topic: str, number: int) -> None:
        self._pipe, self._address, self._own, self._topic, self._number = pipe, address, own, topic, number
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)
        self._size = self._wanted = self._asked = 0
        self._arrivals: list[float] = []
        self._is_awaited = False

    def run(self) -> None:
        """Do what is asked for, and answer the core meanwhile."""
        while True:
            for key, _ in self._selector.select(0 if self._size < self._wanted else None):
                if key.data is None:
                    self._obey(*self._pipe.recv())
                else:
                    self._hear(key.data)
            if self._size < self._wanted:
                self._come()
                self._tell_size()

    def _obey(self, what: str, number: int) -> None:
        if what == "grow":
            self._wanted = number
            self._tell_size()
        elif what == "expect":
            self._arrivals.clear()
            self._pipe.send(None)
        elif what == "asked":
            self._pipe.send(self._asked)
        else:
            self._is_awaited = True
            self._tell_arrivals()

    def _come(self) -> None:
        source = f"127.0.{1 + self._number}.{1 + self._size // _PER_ADDRESS}"
        wire = Wire(self._address, source=source)
        if self._own is not None:
            wire.log_in(f"idle-{self._number}-{self._size}", self._own)
            wire.ask(f"SUBSCRIBE {self._topic}")
        self._selector.register(wire.socket, selectors.EVENT_READ, wire)
        self._size += 1

    def _tell_size(self) -> None:
        if self._size == self._wanted:
            self._pipe.send(None)

    def _hear(self, wire: Wire) -> None:
        """Answer the core, and note when a message came; what came, came whole."""
        for line in wire.read_some().splitlines():
            if line == b"PING":
                self._asked += 1
                wire.send(b"PONG\n")
            elif line.startswith(b"MESSAGE"):
                self._arrivals.append(time.monotonic())
                self._tell_arrivals()
            else:
                raise SystemExit(line.decode())

    def _tell_arrivals(self) -> None:
        if self._is_awaited and len(self._arrivals) >= self._size:
            self._is_awaited = False
            self._pipe.send(self._arrivals)


def _take_part(*arguments: Any) -> None:
    _Sessions(*arguments).run()
