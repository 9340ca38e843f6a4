"""What the connections of one door share."""

from __future__ import annotations

from typing import Generic, TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory

from pkid.messaging.budget import Budget
from pkid.messaging.handshakes import Handshakes
from pkid.messaging.interfaces import Messaging
from pkid.messaging.protocol import DoorProtocol
from pkid.messaging.rounds import Rounds
from pkid.messaging.turn import Turn

__all__ = ["DoorFactory"]

P = TypeVar("P", bound=DoorProtocol)


class DoorFactory(Factory[P], Generic[P]):
    """Makes the connections of a door.

    :param messaging: the broker's service.
    :param clock: the reactor whose clock the broker's service goes by.
    """

    noisy = False
    budget: Budget

    def __init__(self, messaging: Messaging, clock: IReactorTime, budget: Budget) -> None:
        self.messaging = messaging
        self.clock = clock
        self.budget = budget
        self.handshakes = Handshakes(budget.handshakes, budget.handshakes_per_address)
        self.rounds = Rounds(clock)
        self.turn = Turn(clock)
