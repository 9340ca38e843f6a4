"""One client's connection: the session that its door holds, and what the core knows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from pkid.auth.fairness import peer_key
from pkid.broker.commands import Acknowledge, AcknowledgeBatch, Command, Publish, PublishBatch, PublishSeries
from pkid.broker.effects import CloseReason
from pkid.broker.identity import ANONYMOUS, Identity
from pkid.broker.inputs import Disconnect, Lost, Pause, Ready
from pkid.broker.states import State
from pkid.messaging.engine import Engine
from pkid.messaging.interfaces import Approach, Client
from pkid.messaging.logins import Login
from pkid.messaging.rates import Allowance, Rates
from pkid.messaging.tally import Tally

__all__ = ["Connection", "Surroundings"]

_TOGETHER = frozenset({PublishBatch, PublishSeries, AcknowledgeBatch})
_LOGGING_IN = frozenset({State.IDENTIFYING, State.VERIFYING})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all connections share.

    :ivar forget: is told when a client is gone.
    """

    engine: Engine
    tally: Tally
    clock: IReactorTime
    rates: Rates
    forget: Callable[[Connection], None]


class Connection:
    """A :class:`~pkid.messaging.interfaces.Session`, from the connection's beginning until it is lost.

    :ivar nonce: the challenge, for the login.
    :ivar login: the login, once there is one.
    :ivar work: the step of the login that is under way.
    :ivar scheme: the kind of proof that was begun, for figures.
    :ivar identity: who is there, once the session is open.
    :ivar credential: by what the name was proven; *origin*: by what that was got, if it was.
    """

    __slots__ = (
        "_allowance", "_counts", "_engine", "_held", "_is_open", "_lost", "_surroundings", "approach", "client",
        "credential", "identity", "is_proven", "login", "nonce", "number", "origin", "scheme", "work",
    )  # fmt: skip

    def __init__(
        self, number: int, client: Client, approach: Approach, nonce: bytes, surroundings: Surroundings
    ) -> None:
        self.number = number
        self.client = client
        self.approach = approach
        self.nonce = nonce
        self.login: Login | None = None
        self.work: Deferred[Any] | None = None
        self.identity: Identity = ANONYMOUS
        self.credential = ""
        self.origin = ""
        self.scheme = ""
        self.is_proven = False
        self._surroundings = surroundings
        self._engine = surroundings.engine
        self._counts = surroundings.tally.commands
        self._is_open = False
        self._held = False
        self._lost = False
        rates = surroundings.rates
        self._allowance = Allowance(rates, surroundings.clock.seconds()) if rates.is_limited else None

    @property
    def is_open(self) -> bool:
        """Whether the session has its identity."""
        return self._is_open or self._engine.broker.state(self.number) is State.OPEN

    @property
    def is_metered(self) -> bool:
        """Whether what it asks for in a second is limited."""
        return self._allowance is not None

    @property
    def party(self) -> str:
        """Who it is where parties take turns: the name that was proven, or else the address."""
        identity = self.identity
        return f"name {identity.component}" if identity.authenticated else peer_key(self.approach.peer)

    def receive(self, command: Command) -> None:
        """Do what the client asks for."""
        kind = type(command)
        if kind in _TOGETHER:
            self._count_parts(command)
        else:
            self._counts[kind] += 1
        self._engine.receive(self.number, command)
        if self._allowance is not None:
            self._slow_down(self._allowance, getattr(command, "size", 0))
        if not self._is_open:
            self._look_at_state()

    def _count_parts(self, command: Command) -> None:
        if isinstance(command, AcknowledgeBatch):
            self._counts[Acknowledge] += len(command.numbers)
        elif isinstance(command, PublishBatch | PublishSeries):
            self._counts[Publish] += len(command.payloads)

    def pause(self) -> None:
        """Take note that the transport holds more than it should."""
        self._engine.receive(self.number, Pause())

    def ready(self, room: int) -> None:
        """Take note that the transport can take about so many bytes more."""
        self._engine.receive(self.number, Ready(room))

    def disconnect(self, reason: CloseReason) -> None:
        """End the session."""
        self._engine.receive(self.number, Disconnect(reason))

    def lost(self) -> None:
        """Take note that the client is gone."""
        if self._lost:
            return
        self._lost = True
        self._stop_work()
        self._engine.receive(self.number, Lost())
        self._surroundings.forget(self)

    def close(self, reason: CloseReason) -> None:
        """Tell the client why, and have its door close the connection."""
        self._held = False
        self._stop_work()
        self.client.close(reason)

    def proceed(self) -> None:
        """Let the door go on if it was held: a turn later, so that it is never within a call of its own."""
        if self._held:
            self._surroundings.clock.callLater(0, self._go_on)

    def _look_at_state(self) -> None:
        state = self._engine.broker.state(self.number)
        self._is_open = state is State.OPEN
        if state in _LOGGING_IN:
            self._hold()

    def _slow_down(self, allowance: Allowance, size: int) -> None:
        clock = self._surroundings.clock
        seconds = allowance.take(size, clock.seconds())
        if seconds > 0 and not self._held:
            self._hold()
            clock.callLater(seconds, self._go_on)

    def _hold(self) -> None:
        if not self._held and not self._lost:
            self._held = True
            self.client.hold()

    def _go_on(self) -> None:
        if self._held and not self._lost:
            self._held = False
            self.client.proceed()

    def _stop_work(self) -> None:
        work, self.work = self.work, None
        if work is not None:
            work.cancel()
