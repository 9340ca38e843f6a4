"""Whose proof still counts: ends the sessions of those whose credential ended, was revoked, or is not in service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import heappop, heappush

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Cooperator

from pkid.broker.changes import Change, named_by
from pkid.broker.effects import CloseReason
from pkid.broker.inputs import Disconnect
from pkid.messaging.connection import Connection
from pkid.messaging.connections import Connections
from pkid.messaging.engine import Engine

__all__ = ["Standing"]

_CERTIFICATE = "certificate:"
_MOST_PAST = 1000  # sessions that are over, but whose ends are still in the row


class Standing:
    """Watches over the proofs by which sessions are open.

    :param holds: tells whether a credential (``kind:name``) is in service, as far as that can be told at once.
    :param means: tells whether a credential is meant for a name, which has rights or a key of its own.
    :param wall: gives the seconds since the epoch.
    """

    def __init__(
        self,
        engine: Engine,
        connections: Connections,
        holds: Callable[[str], bool],
        means: Callable[[str, str], bool],
        wall: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._holds = holds
        self._means = means
        self._wall = wall
        self._ends: list[tuple[float, int]] = []

    def ends(self, connection: Connection, at: datetime) -> None:
        """Take note that a connection's proof counts until then, aware UTC."""
        heappush(self._ends, (at.timestamp(), connection.number))
        if len(self._ends) > 2 * len(self._connections) + _MOST_PAST:
            self._ends = sorted(end for end in self._ends if self._connections.find(end[1]) is not None)

    def tick(self) -> None:
        """End the sessions whose time is over."""
        now = self._wall()
        while self._ends and self._ends[0][0] <= now:
            self._end(heappop(self._ends)[1])

    def review(self) -> None:
        """End the sessions whose credential is not in service any more."""
        self._end_those_of(lambda each: each.credential != "" and not self._holds(each.credential))

    def revoke(self, credential: str) -> int:
        """End the sessions that were opened by a credential, or by what was got by it; return how many those were."""
        return self._end_those_of(lambda each: credential != "" and credential in (each.credential, each.origin))

    def narrow(self, credential: str, allows: Callable[[str], bool]) -> int:
        """End the sessions by a credential, or by what was got by it, whose name it does not allow any more."""
        return self._end_those_of(
            lambda each: credential in (each.credential, each.origin) and not allows(each.identity.component or "")
        )

    def distrust(self, recognises: Callable[[bytes], bool], clock: IReactorTime) -> Deferred[int]:
        """End the sessions of certificates that are recognised no more, and fire with how many those were.

        :param recognises: tells whether a certificate (DER) is; that takes some 100 microseconds for each.
        """
        ended = 0

        def look() -> Iterator[None]:
            nonlocal ended
            for each in self._connections:
                is_there = self._connections.find(each.number) is each
                if is_there and each.credential.startswith(_CERTIFICATE):
                    if not recognises(each.approach.certificate or b""):
                        self._end(each.number)
                        ended += 1
                yield

        turns = Cooperator(scheduler=lambda turn: clock.callLater(0, turn))
        return turns.coiterate(look()).addCallback(lambda _: ended)

    def change(self, change: Change) -> None:
        """Let a change of the rights take effect; who may not have a name that has rights from now on must leave."""
        broker, name = self._engine.broker, named_by(change)
        had_rights = name is None or broker.rights.names(name)
        self._engine.carry_out(broker.change(change))
        if name is not None and not had_rights:
            self.reserve(name)

    def reserve(self, component: str) -> None:
        """End the sessions under a name by proofs that would not do now that it has rights, or a key of its own."""
        self._end_those_of(
            lambda each: (
                each.identity.component == component
                and each.identity.authenticated
                and not self._means(each.origin or each.credential, component)
            )
        )

    def _end_those_of(self, is_over: Callable[[Connection], bool]) -> int:
        over = [each.number for each in self._connections if is_over(each)]
        for number in over:
            self._end(number)
        return len(over)

    def _end(self, number: int) -> None:
        self._engine.receive(number, Disconnect(CloseReason.EXPELLED))
