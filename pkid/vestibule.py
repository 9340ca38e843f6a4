"""Where new connections wait, so that TLS handshakes begin only as fast as they can be brought to an end.

When a fleet comes back at once, serving everybody a little at a time serves nobody in time. So each turn of the reactor
begins a few handshakes only, after it went on with those that had begun; those who left meanwhile cost nothing. Who
has sent nothing takes no place, and addresses take turns.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress, IProtocol, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from pkid.auth.fairness import FairQueue, QueueFull, peer_key

__all__ = ["Vestibule"]

_EACH_TURN = 4
_CALM = 0.002  # seconds without a newcomer, after which the next one is the first of a turn
_MOST_WAITING = 4096
_LONGEST_HELLO = 1 << 14  # bytes that are read of somebody who waits


class Vestibule(Factory["_Newcomer"]):
    """Lets connections begin in turn.

    :ivar behind: makes the protocols that they begin with: of TLS.
    :param most: how many may wait; beyond that the address with the most of them loses its last.
    """

    noisy = False

    def __init__(self, factory: Factory[Any], clock: IReactorTime, most: int = _MOST_WAITING) -> None:
        self.behind = factory
        self._clock = clock
        self._waiting: FairQueue[_Newcomer] = FairQueue(most)
        self._begun = 0
        """How many began in this turn of the reactor."""
        self._began_last = float("-inf")
        self._is_due = False  # whether the reactor calls when the turn ends

    def doStart(self) -> None:
        """Start the factory behind."""
        super().doStart()
        self.behind.doStart()

    def doStop(self) -> None:
        """Stop the factory behind."""
        self.behind.doStop()
        super().doStop()

    def buildProtocol(self, addr: IAddress | None) -> _Newcomer | None:
        """Make a protocol that waits for its turn to be the one behind."""
        inner = self.behind.buildProtocol(addr)
        return _Newcomer(self, inner, addr) if inner is not None else None

    def queue(self, newcomer: _Newcomer) -> None:
        """Let one begin, at once if there are not many."""
        now = self._clock.seconds()
        if not self._is_due and now - self._began_last > _CALM:
            self._begun = 0
        if self._begun < _EACH_TURN:
            self._begin(newcomer, now)
            return
        try:
            leaves = self._waiting.push(peer_key(getattr(newcomer.address, "host", "")), newcomer)
        except QueueFull:
            leaves = newcomer
        if leaves is not None:
            leaves.turn_away()

    def _begin(self, newcomer: _Newcomer, now: float) -> None:
        """Begin; the reactor is asked for its next turn unless this is the first one for a while, and the only one."""
        if (self._begun or self._waiting) and not self._is_due:
            self._is_due = True
            self._clock.callLater(0, self._turn)
        self._begun += 1
        self._began_last = now
        newcomer.begin()

    def _turn(self) -> None:
        """Begin with the next ones; this comes up again after everything that is to be read now was read."""
        self._is_due = False
        self._begun = 0
        now = self._clock.seconds()
        while self._waiting and self._begun < _EACH_TURN:
            newcomer = self._waiting.pop()
            if not newcomer.gone:
                self._begin(newcomer, now)


class _Newcomer(Protocol):
    """A connection that has not begun: the protocol behind knows of it, but not of what it says."""

    transport: Any

    def __init__(self, vestibule: Vestibule, inner: IProtocol, address: IAddress | None) -> None:
        self.address = address
        self.gone = False
        self._vestibule = vestibule
        self._inner = inner
        self._said = b""
        self._paused = False

    def connectionMade(self) -> None:
        """Let the protocol behind count it, and limit its time."""
        self._inner.makeConnection(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """Keep it for later, within bounds."""
        waits = bool(self._said)
        self._said += data
        if not waits:
            self._vestibule.queue(self)
        elif len(self._said) > _LONGEST_HELLO and not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give up the place."""
        self.gone = True
        self._inner.connectionLost(reason)

    def begin(self) -> None:
        """Step aside for the protocol behind."""
        said, self._said = self._said, b""
        self.transport.protocol = self._inner
        if self._paused:
            self.transport.resumeProducing()
        self._inner.dataReceived(said)

    def turn_away(self) -> None:
        """Cut it."""
        self.transport.abortConnection()
