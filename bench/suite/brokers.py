"""What messages are sent through: a running broker, and how it is spoken to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar

from bench.core import Core, processor_seconds, running_core
from bench.suite.dialects.dialect import Dialect
from bench.suite.dialects.line import LineDialect
from bench.suite.measurement import Skipped
from bench.suite.peers.certificates import write_server_certificate
from bench.suite.processes import free_port, serving
from pkid.auth.own_credential import OwnPreSharedKey

__all__ = ["Broker", "Shared", "broker_of", "running_pipe", "running_pkid", "running_relay"]

_SERVERS = Path(__file__).parent / "servers"


D = TypeVar("D", bound=Dialect, covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Broker(Generic[D]):
    """A running broker.

    :ivar dialect: how it is spoken to.
    :ivar pids: its processes; none when they are another machine's.
    """

    dialect: D
    pids: tuple[int, ...]

    def processor_seconds(self) -> float:
        """Return how much processor time it has used."""
        return sum(map(processor_seconds, self.pids))


class Shared(Generic[T]):
    """What is started when the first path needs it, and ends with the last one.

    :param start: starts it.
    :param stack: ends it.
    """

    def __init__(self, start: Callable[[], AbstractContextManager[T]], stack: ExitStack) -> None:
        self._start = start
        self._stack = stack
        self._found: T | Skipped | None = None

    def get(self) -> T:
        """Return it.

        :raises Skipped: when it cannot run here, each time with the same words.
        """
        if self._found is None:
            try:
                self._found = self._stack.enter_context(self._start())
            except Skipped as reason:
                self._found = reason
        if isinstance(self._found, Skipped):
            raise self._found
        return self._found


@contextmanager
def running_pkid(*options: str) -> Iterator[Broker[LineDialect]]:
    """Run a core whose topics ``bench/...`` are private, with a rule that grants them to everybody."""
    with running_core("--authenticated", *options) as core:
        core.execute("broker private_topic bench/**")
        core.execute("broker grant all bench/** *")
        yield broker_of(core)


def broker_of(core: Core) -> Broker[LineDialect]:
    """Return a core's line door, where the pre-shared key proves every name."""
    own = OwnPreSharedKey.derive("default", (core.state / "psk").read_text().strip(), os.urandom(16))
    return Broker(LineDialect(core.port_of("line"), core.authority, own), (core.pid,))


@contextmanager
def running_relay() -> Iterator[Broker[LineDialect]]:
    """Run the limit: a relay in Twisted over TLS that does what no broker can do without, and nothing else."""
    with _bare("relay.py") as (port, pid):
        yield Broker(LineDialect(port, None, None), (pid,))


@contextmanager
def running_pipe() -> Iterator[Broker[LineDialect]]:
    """Run the limit of that limit: what is published goes to who subscribed, over TLS, and nobody reads it between."""
    with _bare("pipe.py") as (port, pid):
        yield Broker(_Unread(port, None, None), (pid,))


@contextmanager
def _bare(script: str) -> Iterator[tuple[int, int]]:
    """Run a server; yield its port and its process's number."""
    with TemporaryDirectory() as name:
        certificate, port = write_server_certificate(Path(name)), free_port()
        with serving([sys.executable, str(_SERVERS / script), str(port), str(certificate)], port) as pid:
            yield port, pid


class _Unread(LineDialect):
    """What is published is what arrives."""

    def publication(self, topic: str, payload: bytes) -> bytes:
        """Write a MESSAGE."""
        return b"MESSAGE %b :%b\n" % (topic.encode(), payload)
