"""One connection of the line door: lines become commands of its session, and what the broker says becomes lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkid.auth.schemes import Scheme
from pkid.broker.commands import Command, PublishBatch, PublishSeries
from pkid.broker.effects import CloseReason
from pkid.broker.message import Invocation
from pkid.broker.replies import Failed, Greet, Reply
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
    write_fault,
    write_greeting,
    write_invocation,
    write_reply,
)
from pkid.line.dialect import LINES
from pkid.line.help import write_help
from pkid.messaging.approach import approach_of
from pkid.messaging.interfaces import Dialect, Session
from pkid.messaging.protocol import DoorProtocol

if TYPE_CHECKING:
    from pkid.line.factory import LineFactory

__all__ = ["LineProtocol"]

_MANY = PublishBatch, PublishSeries
_TOGETHER = 4  # lines that are read together and count as one in a turn; they cost less


class LineProtocol(DoorProtocol):
    """One connection, and the :class:`~pkid.messaging.interfaces.Client` of its session."""

    dialect: Dialect = LINES
    factory: LineFactory
    _accepted: tuple[Scheme, ...] = ()
    _faults = 0

    def __init__(self, factory: LineFactory) -> None:
        self._reader = CommandReader(factory.budget.limits)

    # The client, as the broker's service sees it

    def send(self, reply: Reply) -> None:
        """Tell the client something."""
        if isinstance(reply, Greet):
            self._outgoing.write(write_greeting(self.factory.messaging.server, reply.challenge, self._accepted))
        else:
            self._outgoing.write(write_reply(reply))

    def invoke(self, invocation: Invocation) -> None:
        """Have the client answer a call."""
        self._outgoing.write(write_invocation(invocation, self.factory.clock.seconds()))

    # The connection

    def _connect(self) -> Session:
        factory = self.factory
        schemes, unbound_allowed = factory.schemes, factory.unbound_allowed
        approach = approach_of(self.transport, self._peer, DOOR, schemes, unbound_allowed=unbound_allowed)
        self._accepted = approach.accepted
        return factory.messaging.connect(self, approach, offered=True)

    def _turn_away(self, error: Unavailable) -> None:
        self._outgoing.write(write_reply(Failed("", error.reason, error.subject)))

    def _feed(self, data: bytes) -> None:
        self._reader.feed(data)

    def _do(self, session: Session) -> None:
        reader, turn = self._reader, self.factory.budget.turn
        while reader.waiting and self._goes_on():
            try:
                said = reader.read(1 if session.is_metered else turn)
            except LineFault as fault:
                self._fail(session, fault)
                continue
            if said is None:
                return
            self._taken += 1 + len(said.payloads) // _TOGETHER if isinstance(said, _MANY) else 1
            self._faults = 0
            if isinstance(said, Command):
                session.receive(said)
            else:
                self._talk(session, said)

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

    def _ask(self) -> None:
        self._outgoing.write(write_command(Ping()))

    def _say_goodbye(self, reason: CloseReason) -> None:
        self._outgoing.write(write_closing(reason))
