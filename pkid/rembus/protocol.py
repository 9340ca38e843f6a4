"""One connection of the Rembus door: messages become commands of its session, and what the broker says messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, cast

from pkid.broker.effects import CloseReason
from pkid.broker.message import Invocation
from pkid.broker.replies import AcknowledgedBatch, Answered, Reply
from pkid.errors import Malformed, PkidError, Refused, Unavailable
from pkid.messaging.approach import approach_of
from pkid.messaging.interfaces import Session
from pkid.messaging.protocol import DoorProtocol
from pkid.rembus import cbor, jsonrpc
from pkid.rembus.conversation import Conversation
from pkid.rembus.gathering import GATHERED, Gathering
from pkid.rembus.packets import Packet, Response
from pkid.rembus.websocket import Opcode, websocket_frame

if TYPE_CHECKING:
    from pkid.rembus.factory import RembusFactory

__all__ = ["RembusProtocol"]

_BINARY = Opcode.BINARY
_PIECE = 1 << 12
"""Bytes of which the messages are read at a time: many short ones take their time, too."""


class RembusProtocol(DoorProtocol):
    """One connection, and the :class:`~pkid.messaging.interfaces.Client` of its session; how it is framed, others say.

    :ivar dialect: the encoding of the message that came last, in which the client is answered.
    """

    factory: RembusFactory
    _conversation: Conversation
    _read: Callable[[bytes], list[tuple[Opcode, bytes]]]
    """Returns the messages that are complete now; raises `Malformed` when it is none, `Refused` when it is too long."""

    def __init__(self, factory: RembusFactory) -> None:
        self.dialect = factory.cbor
        self._unread: deque[bytes] = deque()
        self._waiting: deque[tuple[Opcode, bytes]] = deque()
        self._gathering = Gathering()
        self._together = False  # whether packets of one kind are given to the session together

    # How it is framed

    def _limit(self, size: int) -> None:
        """Set how long a message may be, in bytes."""
        raise NotImplementedError

    def _go_through_handshake(self, data: bytes) -> bytes:
        """Take bytes that come before there is a session, and return what is not about that."""
        return data

    def _control(self, opcode: Opcode, payload: bytes) -> None:
        """Take what is no message, but about the connection."""

    def _watch_silence(self) -> None:
        """From now on, see to it that somebody is there."""
        self._vigil.opened()

    # The client, as the broker's service sees it

    def send(self, reply: Reply) -> None:
        """Tell the client something."""
        if type(reply) is AcknowledgedBatch:
            ids = cast("tuple[int, ...]", reply.requests)
            self._outgoing.write(self.dialect.acknowledgements(ids))
            return
        if type(reply) is Answered:
            self._outgoing.write(self.dialect.answer(reply))
            return
        packet = self._conversation.tell(reply)
        if packet is not None:
            self._outgoing.write(self.dialect.packet(packet))

    def invoke(self, invocation: Invocation) -> None:
        """Have the client answer a call."""
        self._outgoing.write(self.dialect.request(invocation))

    # The connection

    def _connect(self) -> Session:
        factory = self.factory
        approach = approach_of(self.transport, self._peer, factory.door, factory.schemes)
        self._conversation = Conversation(factory.messaging.server, factory.numbering)
        if factory.authenticated:
            self._limit(factory.budget.login_bytes)
            self._vigil.spoken()
        else:
            self._watch_silence()
        return factory.messaging.connect(self, approach, offered=factory.authenticated, active=False)

    def _turn_away(self, error: Unavailable) -> None:
        self._say_goodbye(CloseReason.BUSY)

    def _login_bytes(self) -> float:
        return self.factory.budget.login_bytes if self.factory.authenticated else inf

    def _opened(self) -> None:
        self._watch_silence()
        self._limit(self.factory.budget.message)
        self._together = self._session is not None and not self._session.is_metered

    def _feed(self, data: bytes) -> None:
        if self._session is None:
            data = self._go_through_handshake(data)
        if len(data) > _PIECE:
            self._unread.extend(data[begin : begin + _PIECE] for begin in range(0, len(data), _PIECE))
        elif data:
            self._unread.append(data)

    def _do(self, session: Session) -> None:
        """Do what was said; packets of one kind that come together are given to the session together."""
        waiting, unread = self._waiting, self._unread
        try:
            while waiting or unread:
                if not self._goes_on(len(waiting[0][1]) if waiting else 0):
                    break
                if not waiting:
                    waiting += self._read(unread.popleft())
                    if not waiting or len(waiting[0][1]) >= _PIECE:
                        continue
                self._taken += 1
                opcode, payload = waiting.popleft()
                self._hear(session, opcode, payload)
        except (Malformed, Refused) as error:
            self._give(session)
            self._fail(error)
        if self._gathering.has_begun:
            self._give(session)

    def _hear(self, session: Session, opcode: Opcode, payload: bytes) -> None:
        if opcode is _BINARY:
            self.dialect = self.factory.cbor
            packet = cbor.decode(payload)
            if self._together and type(packet) in GATHERED and self._gather(session, packet):
                return
        if self._gathering.has_begun:
            self._give(session)
        if opcode is not _BINARY:
            if opcode is not Opcode.TEXT:
                self._control(opcode, payload)
                return
            packet, spoken = self._decode(payload)
            self.dialect = self.factory.json_dialect(spoken, self.dialect)
        meant = self._conversation.hear(packet)
        if type(meant) is Response:
            self._outgoing.write(self.dialect.packet(meant))
        else:
            session.receive(meant)

    def _gather(self, session: Session, packet: Packet) -> bool:
        """Gather a packet with those before, or else give the session those first; tell whether it was gathered."""
        if self._gathering.add(packet):
            return True
        self._give(session)
        return self._gathering.add(packet)

    def _rest(self) -> None:
        if self._session is not None:
            self._give(self._session)
        super()._rest()

    def _give(self, session: Session) -> None:
        """Give the session what was gathered."""
        if self._gathering.has_begun:
            session.receive(self._gathering.finish())

    def _decode(self, text: bytes) -> tuple[Packet, jsonrpc.JsonRpc | None]:
        """Read a text, or answer that it cannot be read.

        :raises InvalidRequest: when it cannot.
        """
        try:
            return jsonrpc.decode(text)
        except jsonrpc.InvalidRequest as invalid:
            self._outgoing.write(websocket_frame(Opcode.TEXT, invalid.encode()))
            raise

    def _fail(self, error: PkidError) -> None:
        """End the connection, because what came could not be read."""
        if self._session is None:
            self._leave()
        else:
            self._session.disconnect(CloseReason.MALFORMED)

    def _leave(self) -> None:
        self._unread.clear()
        self._waiting.clear()
        super()._leave()
