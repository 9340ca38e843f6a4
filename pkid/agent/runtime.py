"""What the agent takes from the process that it lives in: time, chance, threads and the network."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.threads import deferToThreadPool

from pkid.auth.derivation import Offload

__all__ = ["Runtime"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Runtime:
    """The clock, the dice, the threads and the network.

    :ivar clock: for timers.
    :ivar now: gives the wall-clock time, aware UTC.
    :ivar random: gives a number of at least 0 and below 1.
    :ivar offload: runs work away from the reactor.
    :ivar reach: gives the endpoint of a host and port, without TLS.
    """

    clock: IReactorTime
    now: Callable[[], datetime]
    random: Callable[[], float]
    offload: Offload
    reach: Callable[[str, int], IStreamClientEndpoint]

    @classmethod
    def of(cls, reactor: Any) -> Self:
        """Return the runtime of a program: its reactor, that reactor's threads, and the machine's clock."""

        def offload(work: Callable[[], T]) -> Deferred[T]:
            return deferToThreadPool(reactor, reactor.getThreadPool(), work)

        def reach(host: str, port: int) -> IStreamClientEndpoint:
            return HostnameEndpoint(reactor, host, port)

        return cls(reactor, lambda: datetime.now(UTC), random.random, offload, reach)
