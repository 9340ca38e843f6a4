"""The line door's factory: what its connections share."""

from __future__ import annotations

from collections import Counter

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from pkid.auth.fairness import peer_key
from pkid.auth.schemes import Scheme
from pkid.line.approach import SCHEMES
from pkid.line.budget import Budget
from pkid.line.outgoing import Outgoing
from pkid.line.protocol import LineProtocol
from pkid.messaging.interfaces import Messaging

__all__ = ["LineFactory"]


class LineFactory(Factory[LineProtocol]):
    """Makes the connections of the line door.

    :param messaging: the broker's service.
    :param clock: the reactor whose clock the broker's service goes by.
    :param schemes: the kinds of proof that the door takes, the best first.
    :param unbound_allowed: whether a proof may do without a binding on TLS, too.
    """

    noisy = False
    _log = Logger()

    def __init__(
        self,
        messaging: Messaging,
        clock: IReactorTime,
        budget: Budget | None = None,
        *,
        schemes: tuple[Scheme, ...] = SCHEMES,
        unbound_allowed: bool = False,
    ) -> None:
        self.messaging = messaging
        self.clock = clock
        self.budget = budget or Budget()
        self.schemes = schemes
        self.unbound_allowed = unbound_allowed
        self._handshakes: Counter[str] = Counter()
        self._due: list[Outgoing] = []

    def buildProtocol(self, address: IAddress | None) -> LineProtocol:
        """Make a connection."""
        protocol = LineProtocol(self)
        protocol.factory = self
        return protocol

    def begin_handshake(self, peer: str) -> bool:
        """Tell whether there is a place for one more connection that has not even shaken hands; take it if so."""
        address = peer_key(peer)
        most = self.budget.handshakes_per_address
        if self._handshakes.total() >= self.budget.handshakes or self._handshakes[address] >= most:
            return False
        self._handshakes[address] += 1
        return True

    def end_handshake(self, peer: str) -> None:
        """Give the place back."""
        address = peer_key(peer)
        self._handshakes[address] -= 1
        if not self._handshakes[address]:
            del self._handshakes[address]

    def write_soon(self, outgoing: Outgoing) -> None:
        """Have what was gathered for a connection written in the reactor's next turn."""
        if not self._due:
            self.clock.callLater(0, self._write)
        self._due.append(outgoing)

    def _write(self) -> None:
        due, self._due = self._due, []
        for outgoing in due:
            try:
                outgoing.flush()
            except Exception:
                self._log.failure("cannot write to a connection")
