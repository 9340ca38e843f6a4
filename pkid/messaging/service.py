"""The broker at work: what doors connect clients to, what commands ask of it, and what ends sessions."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from pkid.audit import Strangers
from pkid.broker.broker import Broker
from pkid.broker.changes import Change
from pkid.broker.commands import View
from pkid.broker.effects import CloseReason
from pkid.broker.inputs import Disconnect
from pkid.broker.overview import Figures
from pkid.broker.rights import Rights
from pkid.errors import PkidError, Reason, Unavailable
from pkid.messaging.connection import Connection
from pkid.messaging.connections import Connections
from pkid.messaging.engine import Engine
from pkid.messaging.identification import Identification
from pkid.messaging.interfaces import Approach, Client
from pkid.messaging.logins import BeginLogin, ClosedRegister, Registrar
from pkid.messaging.occupancy import Occupancy
from pkid.messaging.own import OWN_TOPICS, OwnTopics
from pkid.messaging.retention import Retention
from pkid.messaging.standing import Standing
from pkid.messaging.store import BrokerStore
from pkid.messaging.tally import Tally
from pkid.messaging.terms import Terms
from pkid.messaging.trail import Trail

__all__ = ["BrokerService"]

_TICK = 0.25  # seconds
_TIDY = 60.0  # seconds between looks at what may have ended meanwhile
_GRACE = 3.0  # seconds that clients have to leave when the core stops
_LAST_WORDS = 1.0  # seconds that their doors have to close the connections of those who did not
_NONCE_SIZE = 32


class BrokerService(Service):
    """The broker of one core; it is a :class:`~pkid.messaging.interfaces.Messaging`.

    :ivar rights: who may do what.
    :ivar tally: what is counted.
    :ivar occupancy: how many connections there are.

    :param begin_login: begins the login of a connection.
    :param strangers: writes down who is denied something.
    :param server: the core's name, as proofs cover it.
    :param tenants: those that are declared.
    :param holds: tells whether a credential is in service.
    :param means: tells whether a credential is meant for a name, which has rights or a key of its own.
    :param wall: gives the seconds since the epoch.
    :param random: gives so many random bytes.
    """

    _log = Logger()

    def __init__(
        self,
        terms: Terms,
        store: BrokerStore,
        begin_login: BeginLogin,
        clock: IReactorTime,
        strangers: Strangers,
        *,
        server: str = "pkid",
        registrar: Registrar | None = None,
        tenants: Iterable[str] = (),
        holds: Callable[[str], bool] = lambda credential: True,
        means: Callable[[str, str], bool] = lambda credential, component: True,
        wall: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.setName("broker")
        self.server = server
        self.tally = tally = Tally()
        self.occupancy = Occupancy(terms.places)
        self.rights = Rights(terms.private_by_default)
        self._clock, self._store, self._wall, self._random = clock, store, wall, random
        self._began = clock.seconds()
        self._is_draining = False
        self._engine = engine = Engine(self._open(terms, tenants), clock.seconds, wall)
        self._connections = connections = Connections(engine, self.occupancy, terms.rates, tally, clock)
        self._standing = standing = Standing(engine, connections, holds, means, wall)
        self._retention = Retention(engine, connections, store, tally, standing.change)
        trail = Trail(connections, strangers)
        asked = (begin_login, registrar or ClosedRegister(), trail, tally, standing)
        identification = Identification(engine, connections, server, *asked)
        own = OwnTopics(engine, server, lambda: clock.seconds() - self._began)
        for part in (connections, self._retention, identification, trail, own):
            engine.handle(part.handlers)
        self._calls = (LoopingCall(self._survive, self._tick), _TICK), (LoopingCall(self._survive, self._tidy), _TIDY)

    # For doors

    def connect(self, client: Client, approach: Approach, *, offered: bool, active: bool = True) -> Connection:
        """Begin a session.

        :raises Unavailable: ``busy`` when there are too many connections, ``stopping`` when the core stops.
        """
        if self._is_draining:
            raise Unavailable(Reason.STOPPING)
        return self._connections.open(client, approach, self._random(_NONCE_SIZE), offered=offered, active=active)

    # For commands

    def look(self, view: View) -> tuple[object, ...]:
        """Return an overview of sessions, topics or rights."""
        return self._engine.broker.look(view)

    def connections(self) -> tuple[Connection, ...]:
        """Return what the core knows of each connection whose session is not closed."""
        return tuple(self._connections)

    @property
    def figures(self) -> Figures:
        """How much there is of everything."""
        return self._engine.broker.figures

    def states(self) -> Counter[tuple[str, ...]]:
        """Count the sessions, by door and state."""
        state = self._engine.broker.state
        return Counter((each.approach.door, state(each.number).value) for each in self._connections)

    def declare(self, tenants: Iterable[str]) -> None:
        """Have these tenants from now on, and no others."""
        self._engine.carry_out(self._engine.broker.declare(tenants))

    def change(self, change: Change, by: str) -> Deferred[None]:
        """Change the rights; fire when that is durable and holds.

        Fails with :class:`~pkid.errors.Unavailable` when it cannot be committed: then nothing has changed.

        :param by: the credential of whoever wants it.
        """
        return self._retention.change(change, by)

    def follow(self, changes: Iterable[Change]) -> None:
        """Make changes of the rights that somebody else keeps; they hold until the core ends."""
        for change in changes:
            self._standing.change(change)

    def kick(self, who: str | int) -> int:
        """End the sessions of a component, or the session of a number, and return how many those were."""
        found = [each.number for each in self._connections if who in (each.number, each.identity.component)]
        for number in found:
            self._engine.receive(number, Disconnect(CloseReason.KICKED))
        return len(found)

    # For whoever takes a credential out of service

    def expel(self, component: str) -> None:
        """End all that a component has here, and forget what it wanted, because its name was revoked."""
        self._engine.carry_out(self._engine.broker.expel(component))
        self._store.forget(component)

    def revoke(self, credential: str) -> int:
        """End the sessions that were opened by a credential, as ``kind:name``; return how many those were."""
        return self._standing.revoke(credential)

    def narrow(self, credential: str, allows: Callable[[str], bool]) -> int:
        """End the sessions that were opened by a credential under names that it does not allow any more.

        :param allows: tells that of a name.
        :return: how many those were.
        """
        return self._standing.narrow(credential, allows)

    def distrust(self, recognises: Callable[[bytes], bool]) -> Deferred[int]:
        """End the sessions of certificates that are recognised no more, some in each turn; fire with how many.

        :param recognises: tells whether a certificate (DER) is one of a CA that counts.
        """
        return self._standing.distrust(recognises, self._clock)

    def reserve(self, component: str) -> None:
        """End the sessions under a name by proofs that would not do now that it has rights, or a key of its own."""
        self._engine.carry_out(self._engine.broker.expel(component, proven_too=False))
        self._standing.reserve(component)

    def review(self) -> None:
        """End the sessions whose credential is not in service any more."""
        self._standing.review()

    # The service

    def startService(self) -> None:
        """Begin to take note of the time."""
        super().startService()
        for call, interval in self._calls:
            call.clock = self._clock
            call.start(interval, now=False)

    def stopService(self) -> Deferred[None]:
        """Tell the clients, give them some seconds to leave, and close what is left."""
        super().stopService()
        self._is_draining = True
        self._engine.carry_out(self._engine.broker.drain())
        clock, connections = self._clock, self._connections
        deadlines = [
            clock.callLater(_GRACE, connections.disconnect_all, CloseReason.DRAINING),
            clock.callLater(_GRACE + _LAST_WORDS, connections.give_up),
        ]
        return connections.when_empty().addCallback(self._stop, deadlines)

    def _stop(self, _: object, deadlines: list[IDelayedCall]) -> None:
        for deadline in deadlines:
            if deadline.active():
                deadline.cancel()
        for call, _interval in self._calls:
            if call.running:
                call.stop()

    def _survive(self, work: Callable[[], None]) -> None:
        """Do something that is to be done again and again, whatever becomes of it this time."""
        try:
            work()
        except Exception:
            self._log.failure("the broker's regular work failed")

    def _tick(self) -> None:
        self._standing.tick()
        self._engine.tick()

    def _tidy(self) -> None:
        self._standing.review()
        self._store.expire(self._wall())

    def _open(self, terms: Terms, tenants: Iterable[str]) -> Broker:
        """Make a broker of what is stored."""
        stored = self._store.begin(self._kept)
        for change in stored.changes:
            change.apply(self.rights)
        broker = Broker(terms.policy, self.rights, OWN_TOPICS, stored.last_number, tenants)
        for absentee in stored.absentees:
            broker.membership.restore(absentee.component, absentee.subscriptions, absentee.mark)
        return broker

    def _kept(self, numbers: Sequence[int], error: PkidError | None) -> None:
        self._retention.kept(numbers, error)
