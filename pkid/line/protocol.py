"""One connection of the line door: lines become commands of its session, and what the broker says becomes lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from twisted.internet.interfaces import IConsumer, IHandshakeListener, IPushProducer, ITCPTransport, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.auth.schemes import Scheme
from pkid.broker.commands import Command
from pkid.broker.effects import CloseReason
from pkid.broker.message import Invocation, Message
from pkid.broker.replies import Failed, Greet, Reply
from pkid.broker.topic import Pattern
from pkid.errors import Unavailable
from pkid.line.approach import DOOR
from pkid.line.codec import (
    Bye,
    CommandReader,
    Help,
    LineFault,
    Ping,
    Pong,
    Talk,
    write_closing,
    write_command,
    write_delivery,
    write_fault,
    write_greeting,
    write_invocation,
    write_reply,
)
from pkid.line.help import write_help
from pkid.messaging.approach import approach_of, is_encrypted, peer_of
from pkid.messaging.interfaces import Dialect, Session
from pkid.messaging.outgoing import Outgoing
from pkid.messaging.terms import LONGEST_TURN
from pkid.messaging.vigil import Vigil

if TYPE_CHECKING:
    from pkid.line.factory import LineFactory

__all__ = ["LINES", "LineProtocol", "Lines"]


class Lines:
    """The line protocol as a :class:`~pkid.messaging.interfaces.Dialect`."""

    def encode(self, message: Message, pattern: Pattern | None, again: bool) -> bytes:
        """Return a delivery as it goes over the wire."""
        return write_delivery(message, pattern, again)


LINES: Dialect = Lines()
"""The one dialect of this door: all its clients get the same bytes."""


class _Transport(ITCPTransport, IConsumer, IPushProducer):
    """What a connection of this door is written to, held back and cut by."""


@implementer(IHandshakeListener)
class LineProtocol(Protocol):
    """One connection, and the :class:`~pkid.messaging.interfaces.Client` of its session."""

    dialect: Dialect = LINES
    factory: LineFactory
    _vigil: Vigil
    _outgoing: Outgoing
    _session: Session | None = None
    _accepted: tuple[Scheme, ...] = ()
    _shaking_hands = False
    _open = _held = _resting = _working = _lost = _closed = False
    _received = _faults = _taken = 0

    def __init__(self, factory: LineFactory) -> None:
        self._reader = CommandReader(factory.budget.limits)

    # The connection

    def connectionMade(self) -> None:
        """Begin to watch the times; without TLS, begin the session."""
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
            self._begin()

    def handshakeCompleted(self) -> None:
        """Begin the session; Twisted calls this when the TLS handshake is done."""
        if not self._closed:
            self._begin()

    def dataReceived(self, data: bytes) -> None:
        """Take bytes."""
        if self._closed:
            return
        self._vigil.heard()
        self._reader.feed(data)
        self._received += len(data)
        self._work()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget everything, and tell the session, but not before what came was done, a turn at a time."""
        self._lost = True
        self._vigil.stop()
        self._end_handshake()
        if not self._resting:
            self._depart()

    # The client, as the broker's service sees it

    def write(self, delivery: bytes) -> None:
        """Write a delivery that the dialect encoded."""
        self._outgoing.write(delivery)

    def send(self, reply: Reply) -> None:
        """Tell the client something."""
        if isinstance(reply, Greet):
            self._outgoing.write(write_greeting(self.factory.messaging.server, reply.challenge, self._accepted))
        else:
            self._outgoing.write(write_reply(reply))

    def invoke(self, invocation: Invocation) -> None:
        """Have the client answer a call."""
        self._outgoing.write(write_invocation(invocation, self.factory.clock.seconds()))

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
        if self._closed or self._lost:
            self._closed = True
            return
        if reason is not CloseReason.LOST:
            self._outgoing.write(write_closing(reason))
        self._leave()

    # What happens meanwhile

    def _begin(self) -> None:
        factory, transport = self.factory, self._tcp()
        self._end_handshake()
        transport.registerProducer(self._outgoing, True)
        approach = approach_of(transport, DOOR, factory.schemes, unbound_allowed=factory.unbound_allowed)
        self._accepted = approach.accepted
        try:
            self._session = factory.messaging.connect(self, approach, offered=True)
        except Unavailable as error:
            self._outgoing.write(write_reply(Failed("", error.reason, error.subject)))
            self._leave()

    def _work(self) -> None:
        """Read what is there, as long as the session takes it and the client reads what it is told."""
        session = self._session
        if session is None or self._working:
            return
        self._working = True
        read, turn, seconds = self._reader.read, self.factory.budget.turn, self.factory.clock.seconds
        until = seconds() + LONGEST_TURN
        try:
            while self._reads:
                if self._taken >= turn or seconds() > until:
                    self._rest()
                    break
                try:
                    said = read()
                except LineFault as fault:
                    self._fail(session, fault)
                    continue
                if said is None:
                    break
                self._taken += 1
                self._faults = 0
                if not self._open:
                    self._vigil.spoken()
                if isinstance(said, Command):
                    session.receive(said)
                else:
                    self._talk(session, said)
        finally:
            self._working = False
        if not (self._open or self._closed):
            self._look_at_login(session)

    def _look_at_login(self, session: Session) -> None:
        if session.is_open:
            self._open = True
            self._vigil.opened()
        elif self._received > self.factory.budget.login_bytes:
            session.disconnect(CloseReason.LOGIN_SIZE)

    def _talk(self, session: Session, said: Talk) -> None:
        match said:
            case Ping(request):
                self._outgoing.write(write_command(Pong(request)))
            case Help(request):
                self._outgoing.write(write_help(request))
            case Bye():
                session.disconnect(CloseReason.LEFT)

    def _fail(self, session: Session, fault: LineFault) -> None:
        self._faults += 1
        self._outgoing.write(write_fault(fault))
        if fault.fatal or self._faults >= self.factory.budget.faults:
            session.disconnect(CloseReason.MALFORMED)

    def _pause(self) -> None:
        """Write nothing more, and read nothing more, because each command may have an answer."""
        self._tcp().pauseProducing()
        if self._session is not None and not self._closed:
            self._session.pause()

    def _ready(self, room: int) -> None:
        if self._session is not None and not self._closed:
            self._session.ready(room)
            self._read_on()

    @property
    def _reads(self) -> bool:
        """Whether more is read now."""
        return not (self._held or self._resting or self._closed or self._outgoing.is_full)

    def _rest(self) -> None:
        """Let others have their turn before more is read."""
        self._resting = True
        if not self._lost:
            self._tcp().pauseProducing()
        self.factory.clock.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._resting, self._taken = False, 0
        if not self._lost:
            self._read_on()
            return
        self._work()
        if not self._resting:
            self._depart()

    def _depart(self) -> None:
        self._closed = True
        if self._session is not None:
            self._session.lost()

    def _read_on(self) -> None:
        if self._reads:
            self._work()
        if self._reads:
            self._tcp().resumeProducing()

    def _ask(self) -> None:
        self._outgoing.write(write_command(Ping()))

    def _expire(self, reason: CloseReason) -> None:
        if self._session is None:
            self._abort()
        else:
            self._session.disconnect(reason)

    def _leave(self) -> None:
        """Write what is left, and close; what comes meanwhile is not kept."""
        self._closed = True
        self._outgoing.flush()
        transport = self._tcp()
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
