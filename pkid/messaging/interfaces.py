"""Where the doors and the broker's service meet.

Everything here is called in the reactor's thread. A door makes one :class:`Client` for each connection, and gets a
:class:`Session` for it from :meth:`Messaging.connect` once the connection is ready: on TLS, when the handshake is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Channel
from pkid.broker.commands import Command
from pkid.broker.effects import CloseReason
from pkid.broker.message import Batch, Invocation, Message, Series
from pkid.broker.replies import Reply
from pkid.broker.topic import Pattern

__all__ = ["Approach", "Client", "Dialect", "Messaging", "Session"]


class Dialect(Protocol):
    """How a kind of client is written to; clients that share one get the same bytes, encoded once."""

    def encode(self, message: Message, pattern: Pattern | None, again: bool) -> bytes:
        """Return a delivery as it goes over the wire.

        :param pattern: the subscribed pattern that meant the topic; ``None`` when the topic itself is subscribed.
        :param again: whether it was sent before, and not acknowledged.
        """

    def encode_batch(self, batch: Batch | Series, pattern: Pattern | None) -> bytes:
        """Return the deliveries of all messages of a batch or series, as :meth:`encode` returns each."""


class Client(Protocol):
    """One connected client, as its door presents it; nothing is called after :meth:`close`."""

    @property
    def dialect(self) -> Dialect:
        """How deliveries are written to it; may change between two deliveries."""

    def write(self, delivery: bytes) -> None:
        """Write a delivery that its dialect encoded."""

    def send(self, reply: Reply) -> None:
        """Tell it something."""

    def invoke(self, invocation: Invocation) -> None:
        """Have it answer a call."""

    def hold(self) -> None:
        """Give no further command to the session until :meth:`proceed`: an answer to the last one is being made."""

    def proceed(self) -> None:
        """Go on where :meth:`hold` stopped."""

    def close(self, reason: CloseReason) -> None:
        """Tell it why, and close the connection."""


@dataclass(frozen=True, slots=True)
class Approach:
    """How a client came.

    :ivar door: the door's name, for figures, the log and the overview.
    :ivar peer: the address that the connection comes from.
    :ivar channel: the connection, as proofs are bound to it.
    :ivar accepted: the schemes of proof that the door takes, the best first.
    :ivar certificate: the client's certificate, DER, whose key TLS proved.
    """

    door: str
    peer: str
    channel: Channel
    accepted: tuple[Scheme, ...]
    certificate: bytes | None = field(default=None, repr=False)


class Session(Protocol):
    """A client's session, as its door sees it."""

    @property
    def number(self) -> int:
        """The broker's number for it."""

    @property
    def is_open(self) -> bool:
        """Whether it has its identity, proven or not: before that, the budget for strangers holds."""

    @property
    def is_metered(self) -> bool:
        """Whether what it asks for in a second is limited, so that each publication is to come as a command alone."""

    @property
    def party(self) -> str:
        """Who it is where parties take turns: the name that was proven, or else the address."""

    def receive(self, command: Command) -> None:
        """Do what the client asks for."""

    def pause(self) -> None:
        """Take note that the transport holds more than it should."""

    def ready(self, room: int) -> None:
        """Take note that the transport can take about so many bytes more."""

    def disconnect(self, reason: CloseReason) -> None:
        """End it, because of what the client did; comes back as :meth:`Client.close`."""

    def lost(self) -> None:
        """Take note that the connection is gone."""


class Messaging(Protocol):
    """The broker's service, as doors see it."""

    @property
    def server(self) -> str:
        """The core's name, as proofs cover it."""

    def connect(self, client: Client, approach: Approach, *, offered: bool, active: bool = True) -> Session:
        """Begin a session.

        :param offered: whether the challenge goes with the greeting, so that a proof may come without a name before it;
            then the client is sent :class:`~pkid.broker.replies.Greet` before this returns.
        :param active: whether the session takes messages from the start.
        :raises Unavailable: ``busy`` when there are too many connections, of this address or at all.
        """
