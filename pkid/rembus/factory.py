"""The Rembus door's factory: what its connections share."""

from __future__ import annotations

from enum import Enum
from functools import partial

from twisted.internet.interfaces import IAddress, IReactorTime

from pkid.auth.schemes import Scheme
from pkid.messaging.factory import DoorFactory
from pkid.messaging.interfaces import Messaging
from pkid.rembus.budget import Budget
from pkid.rembus.cbor import CBOR
from pkid.rembus.connections import PlainProtocol, WebSocketProtocol
from pkid.rembus.dialects import CborDialect, JsonDialect, RembusDialect
from pkid.rembus.frames import frame
from pkid.rembus.jsonrpc import JULIA, PYTHON, JsonRpc
from pkid.rembus.names import Numbering
from pkid.rembus.protocol import RembusProtocol
from pkid.rembus.websocket import Opcode, websocket_frame

__all__ = ["SCHEMES", "Framing", "RembusFactory"]

SCHEMES = (Scheme.PLAIN_ECDSA, Scheme.PLAIN_RSA, Scheme.PLAIN_SECRET)
"""The kinds of proof that clients of this protocol can give."""


class Framing(Enum):
    """How messages are framed."""

    WEBSOCKET = WebSocketProtocol
    PLAIN = PlainProtocol


class RembusFactory(DoorFactory[RembusProtocol]):
    """Makes the connections of one Rembus door.

    :param messaging: the broker's service.
    :param clock: the reactor whose clock the broker's service goes by.
    :param door: the door's name.
    :param schemes: the kinds of proof that the door takes.
    :param authenticated: whether the broker serves only those who proved a name.
    """

    budget: Budget

    def __init__(
        self,
        messaging: Messaging,
        clock: IReactorTime,
        door: str,
        framing: Framing,
        budget: Budget | None = None,
        *,
        schemes: tuple[Scheme, ...] = SCHEMES,
        authenticated: bool = False,
    ) -> None:
        super().__init__(messaging, clock, budget or Budget())
        self.door = door
        self.authenticated = authenticated
        self.schemes = schemes
        self.numbering = numbering = Numbering()
        self._protocol: type[RembusProtocol] = framing.value
        in_binary = frame if framing is Framing.PLAIN else partial(websocket_frame, Opcode.BINARY)
        in_text = partial(websocket_frame, Opcode.TEXT)
        self.cbor: RembusDialect = CborDialect(CBOR, in_binary, numbering)
        self._json: dict[JsonRpc, RembusDialect] = {
            codec: JsonDialect(codec, in_text, numbering) for codec in (PYTHON, JULIA)
        }

    def buildProtocol(self, address: IAddress | None) -> RembusProtocol:
        """Make a connection."""
        protocol = self._protocol(self)
        protocol.factory = self
        return protocol

    def json_dialect(self, spoken: JsonRpc | None, current: RembusDialect) -> RembusDialect:
        """Return the dialect for whoever spoke JSON-RPC; the one that it spoke before when that does not tell."""
        if spoken is not None:
            return self._json[spoken]
        return self._json[PYTHON] if current is self.cbor else current
