"""One connection to the line door: lines out, events in, each answer with its request, and a watch on the silence.

Knows the codec and the transport; must not know who logs in or what is wanted of the broker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.broker.commands import Command
from pkid.ca.trust import TrustError
from pkid.line.client.errors import CallFailed, Denied, Disconnected
from pkid.line.client.silence import Silence
from pkid.line.codec import EventReader, LineFault, write_command
from pkid.line.events import (
    Challenged,
    Closed,
    Continued,
    Delivered,
    Drains,
    Errored,
    Event,
    Forgotten,
    Greeted,
    Invoked,
    Succeeded,
    Welcomed,
    WithdrawnCall,
)
from pkid.line.talk import Bye, Ping, Pong, Talk

__all__ = ["PATIENCE", "Connection", "Receiver"]

PATIENCE = 5.0
"""Seconds that a connection may take to end."""


class Receiver(Protocol):
    """Whoever takes what the broker sends unasked."""

    def delivered(self, connection: Connection, message: Delivered) -> None:
        """Take a message."""

    def forgotten(self, number: int) -> None:
        """Take note that an exactly-once message will not come again."""

    def invoked(self, connection: Connection, call: Invoked) -> None:
        """Take a call."""

    def withdrawn(self, connection: Connection, number: int) -> None:
        """Take note that nobody waits for the answer of a call any more."""

    def draining(self, connection: Connection) -> None:
        """Take note that the core is about to stop."""


@implementer(IPushProducer)
class Connection(TwistedProtocol):
    """One connection.

    :ivar greeted: fires with the core's greeting; fails when the connection is lost before.
    :ivar when_lost: fires when the connection is gone, before those are told who wait for an answer.
    """

    transport: Any  # with TLS or without, always one that can be aborted

    _log = Logger()

    def __init__(self, clock: IReactorTime, receiver: Receiver) -> None:
        self.greeted: Deferred[Greeted] = Deferred()
        self.when_lost: Deferred[None] = Deferred()
        self._clock = clock
        self._events = EventReader()
        self._waiting: dict[str, Deferred[Any]] = {}
        self._writable: list[Deferred[None]] = []
        self._paused = False
        self._numbered = 0
        self._last_words: Closed | None = None
        self._lost = self._left = self._retired = False
        self._answering = 0
        self._ending: IDelayedCall | None = None
        self._silence = Silence(clock, lambda: self.send(Ping()), self._give_up)
        self._takers: dict[type[Event], Callable[[Any], None]] = {
            Greeted: self._greet,
            Succeeded: self._settle,
            Welcomed: self._settle,
            Challenged: self._settle,
            Continued: self._settle,
            Errored: self._fail,
            Delivered: lambda message: receiver.delivered(self, message),
            Forgotten: lambda event: receiver.forgotten(event.number),
            Invoked: lambda call: receiver.invoked(self, call),
            WithdrawnCall: lambda event: receiver.withdrawn(self, event.number),
            Drains: lambda event: receiver.draining(self),
            Closed: self._note_end,
            Ping: lambda ping: self.send(Pong(ping.request)),
            Pong: lambda pong: None,
        }

    # What its user does

    def next_id(self) -> str:
        """Return an id that no other request of this connection has."""
        self._numbered += 1
        return str(self._numbered)

    def send(self, command: Command | Talk) -> None:
        """Write a command whose answer nobody waits for.

        :raises Malformed: ``bad-line`` when something in it cannot be a word of a line.
        """
        line = write_command(command)
        if not self._lost:
            self.transport.write(line)

    def request(self, command: Command, canceller: Callable[[], None] | None = None) -> Deferred[Any]:
        """Write a command; fire with the event that answers it.

        Fails with :class:`Denied`, :class:`CallFailed` or :class:`Disconnected`.

        :param command: with an id.
        :param canceller: is called when the answer is wanted no longer.
        :raises Malformed: ``bad-line`` when something in it cannot be a word of a line.
        """
        line, request = write_command(command), str(command.request)

        def forget(answer: Deferred[Any]) -> None:
            self._waiting.pop(request, None)
            if canceller is not None:
                canceller()

        answer: Deferred[Any] = Deferred(forget)
        if self._lost:
            answer.errback(self._loss())
        else:
            self._waiting[request] = answer
            self.transport.write(line)
        return answer

    def writable(self) -> Deferred[None]:
        """Fire when the transport takes more; at once if it does."""
        if not self._paused:
            return succeed(None)
        waiter: Deferred[None] = Deferred(self._writable.remove)
        self._writable.append(waiter)
        return waiter

    def begin_answer(self) -> None:
        """Take note that a call is being answered."""
        self._answering += 1

    def end_answer(self) -> None:
        """Take note that a call was answered, or needs no answer any more."""
        self._answering -= 1
        self._leave_if_retired()

    def retire(self) -> None:
        """Leave as soon as no answer is awaited or being made, or after a while."""
        self._retired = True
        self._leave_in(PATIENCE, self.leave)
        self._leave_if_retired()

    def leave(self) -> None:
        """Say goodbye, and close the connection once everything is written."""
        if self._left or self._lost:
            return
        self._left = True
        self.send(Bye())
        self.transport.unregisterProducer()  # a transport with a producer waits for more
        self.transport.loseConnection()
        self._leave_in(PATIENCE, self.abort)

    def abort(self) -> None:
        """End the connection without waiting for the other side."""
        self.transport.abortConnection()

    # What the transport says

    def connectionMade(self) -> None:
        """Begin to wait for the greeting."""
        self.transport.registerProducer(self, True)
        self._silence.start()

    def dataReceived(self, data: bytes) -> None:
        """Take what came, event by event."""
        self._silence.heard()
        self._events.feed(data)
        try:
            while not self._lost and (event := self._events.read()) is not None:
                self._takers[type(event)](event)
        except LineFault as fault:
            self._log.warn("what answers does not speak as a core does: {fault}", fault=str(fault))
            self.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell everybody who waits."""
        self._lost = True
        self._silence.stop()
        if self._ending is not None and self._ending.active():
            self._ending.cancel()
        loss = self._loss(reason)
        waiting = [self.greeted, *self._waiting.values()]
        self._waiting.clear()
        self.when_lost.callback(None)
        for answer in waiting:
            if not answer.called:
                answer.errback(loss)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        """Take note that the transport holds more than it should."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Let those go on who wait to write."""
        self._paused = False
        waiting, self._writable = self._writable, []
        for waiter in waiting:
            waiter.callback(None)

    def stopProducing(self) -> None:
        """Have nothing to stop: the connection is gone."""

    # What the core says

    def _greet(self, event: Greeted) -> None:
        if not self.greeted.called:
            self.greeted.callback(event)

    def _settle(self, event: Succeeded | Welcomed | Challenged | Continued) -> None:
        answer = self._waiting.pop(event.request, None)
        if answer is not None:
            answer.callback(event)
        self._leave_if_retired()

    def _fail(self, event: Errored) -> None:
        answer = self._waiting.pop(event.request, None)
        if answer is not None:
            denied = event.payload is None
            answer.errback(Denied(event.code, event.text) if denied else CallFailed(event.payload))
        elif not event.request:
            self._log.warn("the core says: {code}: {text}", code=event.code, text=event.text)
        self._leave_if_retired()

    def _leave_if_retired(self) -> None:
        if self._retired and not self._waiting and not self._answering:
            self.leave()

    def _note_end(self, event: Closed) -> None:
        self._last_words = event

    @property
    def last_words(self) -> str:
        """The code with which the core closed the connection; empty when it did not."""
        return "" if self._last_words is None else self._last_words.code

    def _loss(self, reason: Failure = connectionDone) -> BaseException:
        """Return what happened: the core's own word, a lack of trust, or that the connection is gone."""
        if self._last_words is not None:
            return Disconnected(f"the core closed the connection: {self._last_words.text}")
        if isinstance(reason.value, TrustError):
            return reason.value
        return Disconnected("the connection to the core is gone; whatever was not acknowledged may not have arrived")

    def _give_up(self) -> None:
        self._log.warn("the core says nothing any more; the connection is given up")
        self.abort()

    def _leave_in(self, seconds: float, work: Callable[[], object]) -> None:
        """Do something later, unless the connection is gone by then, and nothing else that was to be done later."""
        if self._ending is not None and self._ending.active():
            self._ending.cancel()
        self._ending = self._clock.callLater(seconds, work)
