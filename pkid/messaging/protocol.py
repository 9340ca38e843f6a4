"""One connection of a door, as far as all doors are alike: its beginning, its turns, its limits and its end.

Knows nothing of what is said: that is for each door. What came is done in turns, so that others have theirs too, and
what came before a connection ended is done all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IConsumer, IHandshakeListener, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.auth.fairness import peer_key
from pkid.broker.effects import CloseReason
from pkid.errors import Unavailable
from pkid.messaging.approach import is_encrypted, peer_of
from pkid.messaging.interfaces import Session
from pkid.messaging.outgoing import Outgoing
from pkid.messaging.speech import Speech
from pkid.messaging.terms import LONGEST_TURN
from pkid.messaging.vigil import Vigil

if TYPE_CHECKING:
    from pkid.messaging.factory import DoorFactory

__all__ = ["DoorProtocol"]

_LARGE = 1 << 12  # bytes; what is longer may take longer than a turn


class _Transport(ITCPTransport, IConsumer, IPushProducer):
    """What a connection is written to, held back and cut by."""


@implementer(IHandshakeListener)
class DoorProtocol(Speech, Protocol):
    """One connection, and most of the :class:`~pkid.messaging.interfaces.Client` of its session."""

    factory: DoorFactory[Any]
    transport: _Transport  # TLS wraps it, but does not hide it
    _vigil: Vigil
    _outgoing: Outgoing
    _peer: str
    _session: Session | None = None
    _shaking_hands = False
    _open = _held = _resting = _rested = _working = _lost = _closed = False
    _received = _taken = 0
    _until = 0.0

    # What a door may have otherwise

    def _shake_hands(self) -> None:
        """Begin, once there is a connection, and TLS where there is to be TLS."""
        self._begin()

    def _opened(self) -> None:
        """Take note that the session is open, while the client is there."""
        self._vigil.opened()

    def _login_bytes(self) -> float:
        """Return how many bytes may come before the session is open."""
        return self.factory.budget.login_bytes

    # The connection

    def connectionMade(self) -> None:
        """Begin to watch the times, and begin the session when all hands are shaken."""
        factory, transport = self.factory, self.transport
        self._vigil = Vigil(factory.budget, factory.clock, self._expire, self._ask)
        self._outgoing = Outgoing(transport, factory.turn.write_soon, self._pause, self._ready)
        self._peer = peer_of(transport)
        self._shaking_hands = factory.handshakes.begin(self._peer)
        if not self._shaking_hands:
            self._abort()
        elif not is_encrypted(transport):
            self._shake_hands()

    def handshakeCompleted(self) -> None:
        """Go on; Twisted calls this when the TLS handshake is done."""
        if self._closed:
            return
        self._outgoing.gathers = True
        try:
            self._shake_hands()
        finally:
            self._outgoing.release()

    def dataReceived(self, data: bytes) -> None:
        """Take bytes, and write what there is to say to them."""
        if self._closed:
            return
        turn, outgoing = self.factory.turn, self._outgoing
        now = self._vigil.heard_at = turn.begin()
        if not self._open:
            self._received += len(data)
        outgoing.gathers = True
        try:
            self._feed(data)
            self._work(now)
        finally:
            outgoing.release()
            turn.end()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget everything, and tell the session, but not before what came was done, a turn at a time.

        What came behind a login waits for its answer, or for the end of the time that a login has.
        """
        self._lost = True
        self._end_handshake()
        if (self._resting or self._held) and not self._closed:
            return
        if self._closed or self.factory.turn.has_time(self.factory.clock.seconds()):
            self._depart()
        else:
            self._rest()

    # The client, as the broker's service sees it

    def write(self, delivery: bytes) -> None:
        """Write a delivery that the dialect encoded."""
        self._outgoing.write(delivery)

    def hold(self) -> None:
        """Read nothing further until :meth:`proceed`."""
        if not self._held:
            self._held = True
            if not self._lost:
                self.transport.pauseProducing()

    def proceed(self) -> None:
        """Go on reading, or, if the client left meanwhile, with what it said before."""
        if self._held and not self._closed:
            self._held = False
            if self._lost:
                self._rest()
            else:
                self._read_on()

    def close(self, reason: CloseReason) -> None:
        """Tell the client why, and close the connection; cut it if that takes too long."""
        if self._closed or self._lost:
            self._closed = True
            if self._held and self._lost:
                self._held = False
                self._rest()
            return
        if reason is not CloseReason.LOST:
            self._say_goodbye(reason)
        self._leave()

    # What happens meanwhile

    def _begin(self) -> None:
        """Begin the session."""
        self._end_handshake()
        try:
            self._session = self._connect()
        except Unavailable as error:
            self._turn_away(error)
            self._leave()
        else:
            self.transport.registerProducer(self._outgoing, True)

    def _work(self, now: float) -> None:
        """Do what came, as long as the session takes it and the client reads what it is told."""
        session = self._session
        if session is None or self._working:
            return
        turn = self.factory.turn
        if now >= turn.calm_until and not (self._rested or self._resting or turn.has_time(now)):
            self._rest()
            return
        self._working = True
        self._until = now + LONGEST_TURN
        try:
            self._do(session)
        finally:
            self._working = self._rested = False
        if not (self._open or self._closed or self._lost):
            self._look_at_login(session)

    def _goes_on(self, size: int = 0) -> bool:
        """Tell whether more is done in this turn; see to it that there is another one.

        :param size: of what comes next, in bytes; what may take long has a turn of its own, and not before others.
        """
        if self._held or self._resting or self._closed or self._outgoing.is_full:
            return False
        factory, taken = self.factory, self._taken
        waited = size < _LARGE or (self._rested and not taken)
        if waited and taken < factory.budget.turn and factory.clock.seconds() <= self._until:
            return True
        self._rest()
        return False

    @property
    def _reads(self) -> bool:
        """Whether more is read now."""
        return not (self._held or self._resting or self._closed or self._outgoing.is_full)

    def _look_at_login(self, session: Session) -> None:
        if session.is_open:
            self._open = True
            self._opened()
            return
        if self._taken:
            self._vigil.spoken()
        if self._received > self._login_bytes():
            session.disconnect(CloseReason.LOGIN_SIZE)

    def _pause(self) -> None:
        """Write nothing more, and read nothing more, because whatever is said may have an answer."""
        self.transport.pauseProducing()
        if self._session is not None and not self._closed:
            self._session.pause()

    def _ready(self, room: int) -> None:
        if self._session is not None and not self._closed:
            self._session.ready(room)
            self._read_on()

    def _rest(self) -> None:
        """Let others have their turn before more is done."""
        self._resting = True
        if not self._lost:
            self.transport.pauseProducing()
        party = peer_key(self._peer) if self._session is None else self._session.party
        self.factory.rounds.join(party, self._go_on)

    def _go_on(self) -> None:
        self._resting, self._rested, self._taken = False, True, 0
        if not self._lost:
            self._read_on()
            return
        self._work(self.factory.clock.seconds())
        if not (self._resting or self._held):
            self._depart()

    def _depart(self) -> None:
        """Tell the session, and let go of all who hold this, so that it is freed now, and TLS with it."""
        self._closed = True
        session, self._session = self._session, None
        self._vigil.forget()
        self._outgoing.forget()
        if session is not None:
            session.lost()

    def _read_on(self) -> None:
        if self._reads:
            self._work(self.factory.clock.seconds())
        if self._reads:
            self.transport.resumeProducing()

    def _expire(self, reason: CloseReason) -> None:
        if self._session is None:
            self._abort()
        else:
            self._session.disconnect(reason)

    def _leave(self) -> None:
        """Write what is left, and close; what comes meanwhile is not kept."""
        is_paused = not self._reads
        self._closed = True
        self._outgoing.flush()
        transport = self.transport
        if self._session is not None:
            transport.unregisterProducer()
        self._vigil.linger(self._abort)
        if is_paused:
            transport.resumeProducing()
        transport.loseConnection()

    def _abort(self) -> None:
        self._closed = True
        self.transport.abortConnection()

    def _end_handshake(self) -> None:
        if self._shaking_hands:
            self._shaking_hands = False
            self.factory.handshakes.end(self._peer)
