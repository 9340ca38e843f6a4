"""The line door's factory: what its connections share."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory

from pkid.auth.schemes import Scheme
from pkid.line.approach import SCHEMES
from pkid.line.budget import Budget
from pkid.line.protocol import LineProtocol
from pkid.messaging.handshakes import Handshakes
from pkid.messaging.interfaces import Messaging
from pkid.messaging.outgoing import EndOfTurn

__all__ = ["LineFactory"]


class LineFactory(Factory[LineProtocol]):
    """Makes the connections of the line door.

    :param messaging: the broker's service.
    :param clock: the reactor whose clock the broker's service goes by.
    :param schemes: the kinds of proof that the door takes, the best first.
    :param unbound_allowed: whether a proof may do without a binding on TLS, too.
    """

    noisy = False

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
        self.handshakes = Handshakes(self.budget.handshakes, self.budget.handshakes_per_address)
        self.write_soon = EndOfTurn(clock).write_soon

    def buildProtocol(self, address: IAddress | None) -> LineProtocol:
        """Make a connection."""
        protocol = LineProtocol(self)
        protocol.factory = self
        return protocol
