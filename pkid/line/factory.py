"""The line door's factory: what its connections share."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress, IReactorTime

from pkid.auth.schemes import Scheme
from pkid.line.approach import SCHEMES
from pkid.line.budget import Budget
from pkid.line.protocol import LineProtocol
from pkid.messaging.factory import DoorFactory
from pkid.messaging.interfaces import Messaging

__all__ = ["LineFactory"]


class LineFactory(DoorFactory[LineProtocol]):
    """Makes the connections of the line door.

    :param messaging: the broker's service.
    :param clock: the reactor whose clock the broker's service goes by.
    :param schemes: the kinds of proof that the door takes, the best first.
    :param unbound_allowed: whether a proof may do without a binding on TLS, too.
    """

    budget: Budget

    def __init__(
        self,
        messaging: Messaging,
        clock: IReactorTime,
        budget: Budget | None = None,
        *,
        schemes: tuple[Scheme, ...] = SCHEMES,
        unbound_allowed: bool = False,
    ) -> None:
        super().__init__(messaging, clock, budget or Budget())
        self.schemes = schemes
        self.unbound_allowed = unbound_allowed

    def buildProtocol(self, address: IAddress | None) -> LineProtocol:
        """Make a connection."""
        protocol = LineProtocol(self)
        protocol.factory = self
        return protocol
