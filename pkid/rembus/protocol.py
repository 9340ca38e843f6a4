"""One connection of the Rembus door: messages become commands of its session, and what the broker says messages."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

from twisted.internet.interfaces import IConsumer, IHandshakeListener, IPushProducer, ITCPTransport, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.broker.effects import CloseReason
from pkid.broker.message import Invocation
from pkid.broker.replies import Reply
from pkid.errors import Malformed, PkidError, Refused, Unavailable
from pkid.messaging.approach import approach_of, is_encrypted, peer_of
from pkid.messaging.interfaces import Session
from pkid.messaging.outgoing import Outgoing
from pkid.messaging.terms import LONGEST_TURN
from pkid.messaging.vigil import Vigil
from pkid.rembus import cbor, jsonrpc
from pkid.rembus.conversation import Conversation
from pkid.rembus.packets import Packet, Response
from pkid.rembus.websocket import Opcode

if TYPE_CHECKING:
    from pkid.rembus.factory import RembusFactory

__all__ = ["RembusProtocol"]


class _Transport(ITCPTransport, IConsumer, IPushProducer):
    """What a connection of this door is written to, held back and cut by."""


@implementer(IHandshakeListener)
class RembusProtocol(Protocol):
    """One connection, and the :class:`~pkid.messaging.interfaces.Client` of its session; how it is framed, others say.

    :ivar dialect: the encoding of the message that came last, in which the client is answered.
    """

    factory: RembusFactory
    _vigil: Vigil
    _outgoing: Outgoing
    _conversation: Conversation
    _session: Session | None = None
    _shaking_hands = False
    _open = _held = _resting = _working = _closed = False
    _received = 0

    def __init__(self, factory: RembusFactory) -> None:
        self.dialect = factory.cbor
        self._waiting: deque[tuple[Opcode, bytes]] = deque()

    # How it is framed

    def _shake_hands(self) -> None:
        """Begin, once there is a connection, and TLS where there is to be TLS."""
        raise NotImplementedError

    def _read(self, data: bytes) -> list[tuple[Opcode, bytes]]:
        """Return the messages that are complete now.

        :raises Malformed: when it is none.
        :raises Refused: when it is too long.
        """
        raise NotImplementedError

    def _limit(self, size: int) -> None:
        """Set how long a message may be, in bytes."""
        raise NotImplementedError

    def _control(self, opcode: Opcode, payload: bytes) -> None:
        """Take what is no message, but about the connection."""

    def _watch_silence(self) -> None:
        """From now on, see to it that somebody is there."""
        self._vigil.opened()

    def _ask(self) -> None:
        """Ask the client whether it is there."""

    def _say_goodbye(self, reason: CloseReason) -> None:
        """Tell the client why the connection ends."""

    # The connection

    def connectionMade(self) -> None:
        """Begin to watch the times, and begin the session when all hands are shaken."""
        factory, transport = self.factory, self._tcp()
        self._vigil = Vigil(factory.budget, factory.clock, self._expire, self._ask)
        self._outgoing = Outgoing(transport, factory.write_soon, self._pause, self._ready)
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        self._shaking_hands = factory.handshakes.begin(peer_of(transport))
        if not self._shaking_hands:
            self._abort()
        elif not is_encrypted(transport):
            self._shake_hands()

    def handshakeCompleted(self) -> None:
        """Go on; Twisted calls this when the TLS handshake is done."""
        if not self._closed:
            self._shake_hands()

    def dataReceived(self, data: bytes) -> None:
        """Take bytes."""
        if self._closed:
            return
        self._vigil.heard()
        self._received += len(data)
        try:
            self._waiting += self._read(data)
        except (Malformed, Refused) as error:
            self._fail(error)
            return
        self._work()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the session, and forget everything."""
        self._closed = True
        self._vigil.stop()
        self._waiting.clear()
        self._end_handshake()
        if self._session is not None:
            self._session.lost()

    # The client, as the broker's service sees it

    def write(self, delivery: bytes) -> None:
        """Write a delivery that the dialect encoded."""
        self._outgoing.write(delivery)

    def send(self, reply: Reply) -> None:
        """Tell the client something."""
        packet = self._conversation.tell(reply)
        if packet is not None:
            self._outgoing.write(self.dialect.packet(packet))

    def invoke(self, invocation: Invocation) -> None:
        """Have the client answer a call."""
        self._outgoing.write(self.dialect.packet(self._conversation.ask(invocation)))

    def hold(self) -> None:
        """Read nothing further until :meth:`proceed`."""
        if not self._held:
            self._held = True
            self._tcp().pauseProducing()

    def proceed(self) -> None:
        """Go on reading."""
        if self._held and not self._closed:
            self._held = False
            self._read_on()

    def close(self, reason: CloseReason) -> None:
        """Tell the client why, and close the connection; cut it if that takes too long."""
        if self._closed:
            return
        if reason is not CloseReason.LOST:
            self._say_goodbye(reason)
        self._leave()

    # What happens meanwhile

    def _begin(self) -> None:
        """Begin the session."""
        factory, transport = self.factory, self._tcp()
        self._end_handshake()
        transport.registerProducer(self._outgoing, True)
        approach = approach_of(transport, factory.door, factory.schemes)
        self._conversation = Conversation(factory.messaging.server, factory.numbering)
        if factory.authenticated:
            self._limit(factory.budget.login_bytes)
            self._vigil.spoken()
        else:
            self._watch_silence()
        try:
            self._session = factory.messaging.connect(self, approach, offered=factory.authenticated, active=False)
        except Unavailable:
            self._say_goodbye(CloseReason.BUSY)
            self._leave()

    def _work(self) -> None:
        """Take what came, as long as the session takes it and the client reads what it is told."""
        session = self._session
        if session is None or self._working:
            return
        self._working = True
        until = self.factory.clock.seconds() + LONGEST_TURN
        try:
            while self._waiting and not self._is_waiting:
                if self.factory.clock.seconds() > until:
                    self._rest()
                    break
                self._hear(session, *self._waiting.popleft())
        except Malformed as error:
            self._fail(error)
        finally:
            self._working = False
        if not (self._open or self._closed):
            self._look_at_login(session)

    def _hear(self, session: Session, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.BINARY:
            self.dialect = self.factory.cbor
            packet = cbor.decode(payload)
        elif opcode is Opcode.TEXT:
            packet, spoken = jsonrpc.decode(payload)
            self.dialect = self.factory.json_dialect(spoken, self.dialect)
        else:
            self._control(opcode, payload)
            return
        self._take(session, packet)

    def _take(self, session: Session, packet: Packet) -> None:
        meant = self._conversation.hear(packet)
        if isinstance(meant, Response):
            self._outgoing.write(self.dialect.packet(meant))
        else:
            session.receive(meant)

    @property
    def _is_waiting(self) -> bool:
        return self._held or self._resting or self._closed or self._outgoing.is_full

    def _rest(self) -> None:
        self._resting = True
        self._tcp().pauseProducing()
        self.factory.clock.callLater(0, self._wake)

    def _wake(self) -> None:
        self._resting = False
        self._read_on()

    def _look_at_login(self, session: Session) -> None:
        if session.is_open:
            self._open = True
            self._watch_silence()
            self._limit(self.factory.budget.message)
        elif self.factory.authenticated and self._received > self.factory.budget.login_bytes:
            session.disconnect(CloseReason.LOGIN_SIZE)

    def _fail(self, error: PkidError) -> None:
        """End the connection, because what came could not be read."""
        if self._session is None:
            self._leave()
        else:
            self._session.disconnect(CloseReason.MALFORMED)

    def _pause(self) -> None:
        """Write nothing more, and read nothing more, because each message may have an answer."""
        self._tcp().pauseProducing()
        if self._session is not None and not self._closed:
            self._session.pause()

    def _ready(self, room: int) -> None:
        if self._session is not None and not self._closed:
            self._session.ready(room)
            self._read_on()

    def _read_on(self) -> None:
        if not self._is_waiting:
            self._work()
        if not self._is_waiting:
            self._tcp().resumeProducing()

    def _expire(self, reason: CloseReason) -> None:
        if self._session is None:
            self._abort()
        else:
            self._session.disconnect(reason)

    def _leave(self) -> None:
        """Write what is left, and close; what comes meanwhile is not kept."""
        self._closed = True
        self._waiting.clear()
        self._outgoing.flush()
        transport = self._tcp()
        if self._session is not None:
            transport.unregisterProducer()
        self._vigil.linger(self._abort)
        transport.resumeProducing()
        transport.loseConnection()

    def _abort(self) -> None:
        self._closed = True
        self._tcp().abortConnection()

    def _end_handshake(self) -> None:
        if self._shaking_hands:
            self._shaking_hands = False
            self.factory.handshakes.end(peer_of(cast("ITransport", self.transport)))

    def _tcp(self) -> _Transport:
        """Return the transport, which TLS wraps but does not hide."""
        return cast("_Transport", self.transport)
