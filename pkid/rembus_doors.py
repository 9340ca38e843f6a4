"""The Rembus doors of the daemon: which of them are open, and what is behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.logger import Logger

from pkid.auth.schemes import Scheme
from pkid.door import Door, LateFactory
from pkid.messaging.interfaces import Messaging
from pkid.rembus.budget import Budget
from pkid.rembus.factory import SCHEMES, Framing, RembusFactory
from pkid.settings.endpoints import OFF
from pkid.settings.resolution import Settings
from pkid.tls import LiveContext

__all__ = ["RembusDoors"]

_PLAIN = ("rembus-ws", "rembus-tcp")


class RembusDoors:
    """Up to four doors: WebSocket and plain streams, each with TLS and without.

    :ivar doors: those that are not off; each can be opened before it leads anywhere.
    """

    _log = Logger()

    def __init__(self, settings: Settings, live: LiveContext, reactor: Any) -> None:
        self._reactor = reactor
        self._authenticated = settings.broker.policy.authenticated
        self._budget = Budget(message=settings.broker.message_size)
        self._framings: dict[LateFactory, tuple[str, Framing]] = {}
        wanted = (
            ("rembus-wss", settings.rembus_wss, Framing.WEBSOCKET, live),
            ("rembus-ws", settings.rembus_ws, Framing.WEBSOCKET, None),
            ("rembus-tls", settings.rembus_tls, Framing.PLAIN, live),
            ("rembus-tcp", settings.rembus_tcp, Framing.PLAIN, None),
        )
        self.doors = [self._door(*each) for each in wanted if each[1] != OFF]

    def lead_to(self, messaging: Messaging, accepted: Callable[[Iterable[Scheme]], tuple[Scheme, ...]]) -> None:
        """Have the doors lead to the broker.

        :param accepted: tells which kinds of proof somebody checks.
        """
        for door in self.doors:
            if door.name in _PLAIN:
                self._log.warn("the {door} door has no encryption: others can read along", door=door.name)
        for late, (name, framing) in self._framings.items():
            late.behind = RembusFactory(
                messaging, self._reactor, name, framing, self._budget,
                schemes=accepted(SCHEMES), authenticated=self._authenticated,
            )  # fmt: skip

    def _door(self, name: str, endpoint: str, framing: Framing, tls: LiveContext | None) -> Door:
        late = LateFactory()
        self._framings[late] = name, framing
        return Door(name, endpoint, late, tls, self._reactor, gathers=True)
