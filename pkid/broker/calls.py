"""Calls: from whoever calls to one that exposes the topic, and the answer back.

A call and its answer stay within a tenant. Nobody waits for nothing: when there is no exposer, when it is gone, when
the time is over or a right is taken away, the caller hears at once.
"""

from __future__ import annotations

from heapq import heappop, heappush

from pkid.broker.commands import Answer, Call, Cancel
from pkid.broker.deliveries import Deliveries
from pkid.broker.effects import Effect, Invoke, Send, Serve
from pkid.broker.membership import Membership
from pkid.broker.message import Invocation, Moment
from pkid.broker.peer import Peer, PendingCall
from pkid.broker.policy import Choice, Policy
from pkid.broker.replies import Answered, Failed, Withdrawn
from pkid.broker.rights import Rights, TopicRights
from pkid.broker.rules import Verb
from pkid.broker.topic import Segments, read_topic
from pkid.errors import Reason, Refused

__all__ = ["Calls"]

_NOBODY: dict[Peer, None] = {}
_MOST_PAST = 1000  # calls that were answered, but whose deadlines are in the row, if few wait


class Calls:
    """The calls that wait for an answer.

    :param own: topics that the core itself answers.
    """

    def __init__(
        self,
        policy: Policy,
        rights: Rights,
        membership: Membership,
        deliveries: Deliveries,
        own: frozenset[str] = frozenset(),
    ) -> None:
        self._policy = policy
        self._most_seconds = policy.longest_call.total_seconds()
        self._usual_seconds = min(policy.call_time.total_seconds(), self._most_seconds)
        self._rights = rights
        self._membership = membership
        self._deliveries = deliveries
        self._own = own
        self._pending: dict[int, PendingCall] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._last_number = 0

    def __len__(self) -> int:
        return len(self._pending)

    def call(self, peer: Peer, command: Call, moment: Moment) -> list[Effect]:
        """Hand a call to an exposer.

        :raises Refused: when it cannot be, ``forbidden``, ``limit``, ``not-exposed``, ``no-exposer``, ``loopback``,
            ``target-unknown``, ``target-down``, ``bad-topic``, or ``out-of-order`` for a request in use.
        """
        segments = read_topic(command.topic)
        rights = self._rights.on(segments)
        decision = rights.always or rights.explain(peer.identity, Verb.RPC)
        if not decision.allowed:
            raise Refused(Reason.FORBIDDEN, decision.basis.value)
        if command.request is None or command.request in peer.calls:
            raise Refused(Reason.OUT_OF_ORDER)
        if len(peer.calls) >= self._policy.calls:
            raise Refused(Reason.LIMIT, f"{self._policy.calls} calls at a time")
        own = command.target is None and command.topic in self._own
        exposer = None if own else self._choose(peer, command, rights)
        pending = self._begin(peer, command, segments, exposer, moment)
        if exposer is None:
            return [Serve(pending.number, command.topic, command.payload, peer.identity)]
        invocation = Invocation(
            pending.number, command.topic, command.payload, command.size, peer.identity, pending.deadline
        )
        return self._deliveries.post(exposer, Invoke(exposer.session or 0, invocation), command.size)

    def answer(self, peer: Peer, command: Answer, moment: Moment) -> list[Effect]:
        """Pass an answer on to the caller; one that nobody waits for, or that is another's to give, is passed over."""
        pending = peer.serving.get(command.number)
        return [] if pending is None else self._finish(pending, command)

    def served(self, command: Answer) -> list[Effect]:
        """Pass on what the core itself answers."""
        pending = self._pending.get(command.number)
        return [] if pending is None or pending.exposer is not None else self._finish(pending, command)

    def cancel(self, peer: Peer, command: Cancel, moment: Moment) -> list[Effect]:
        """Wait no longer for an answer."""
        pending = peer.calls.get(command.request)
        return [] if pending is None else self._withdraw(pending)

    def lose(self, peer: Peer) -> list[Effect]:
        """Tell those who wait for a peer that is gone, and those who work for it."""
        effects: list[Effect] = []
        for pending in list(peer.serving.values()):
            effects += self._fail(pending, Reason.EXPOSER_LOST)
        for pending in list(peer.calls.values()):
            effects += self._withdraw(pending)
        return effects

    def recheck(self) -> list[Effect]:
        """End the calls that the rights, as they are now, do not allow."""
        effects: list[Effect] = []
        for pending in list(self._pending.values()):
            if not self._rights.allows(pending.caller.identity, Verb.RPC, pending.segments):
                effects += self._fail(pending, Reason.FORBIDDEN) + self._tell_exposer(pending)
            elif pending.exposer is not None and not self._rights.allows(
                pending.exposer.identity, Verb.EXPOSE, pending.segments
            ):
                effects += self._fail(pending, Reason.EXPOSER_LOST) + self._tell_exposer(pending)
        return effects

    def tick(self, moment: Moment) -> list[Effect]:
        """End the calls whose time is over."""
        effects: list[Effect] = []
        while self._deadlines and self._deadlines[0][0] <= moment.monotonic:
            pending = self._pending.get(heappop(self._deadlines)[1])
            if pending is not None:
                effects += self._fail(pending, Reason.CALL_TIMED_OUT) + self._tell_exposer(pending)
        return effects

    def _choose(self, caller: Peer, command: Call, rights: TopicRights) -> Peer:
        tenant = self._membership.tenant(caller.identity)
        topic, size, has_room = command.topic, command.size, self._deliveries.has_room
        row = known = tenant.exposers.get(topic, _NOBODY)
        if command.target is not None:
            target = self._target(caller, command.target)
            known = {target: None} if topic in target.exposed else _NOBODY
        ready, always = [], rights.always
        for peer in known:
            if peer is caller or peer.session is None:
                continue
            decision = always or rights.explain(peer.identity, Verb.EXPOSE)
            if decision.allowed and has_room(peer, size):
                ready.append(peer)
        if not ready:
            allowed = [peer for peer in known if rights.explain(peer.identity, Verb.EXPOSE).allowed]
            raise self._nobody(caller, topic, allowed)
        return ready[0] if len(row) == 1 else self._pick(ready, row)

    def _nobody(self, caller: Peer, topic: str, allowed: list[Peer]) -> Refused:
        """Return why none of those who may expose a topic takes a call."""
        if not allowed:
            return Refused(Reason.NOT_EXPOSED, topic)
        if allowed == [caller]:
            return Refused(Reason.LOOPBACK, topic)
        if all(peer.session is None for peer in allowed if peer is not caller):
            return Refused(Reason.NO_EXPOSER, topic)
        return Refused(Reason.LIMIT, "the exposer has as much to do as it can take")

    def _target(self, caller: Peer, component: str) -> Peer:
        peer = self._membership.tenant(caller.identity).find(component)
        if peer is None:
            raise Refused(Reason.TARGET_UNKNOWN, ascii(component[:140]))
        if peer.session is None:
            raise Refused(Reason.TARGET_DOWN, component)
        return peer

    def _pick(self, ready: list[Peer], row: dict[Peer, None]) -> Peer:
        """Return whose turn it is, of those in a row who can take a call."""
        if self._policy.choice is Choice.LESS_BUSY:
            return min(ready, key=lambda peer: len(peer.serving))
        if self._policy.choice is Choice.ROUND_ROBIN:
            row.pop(ready[0])
            row[ready[0]] = None  # to its end
        return ready[0]

    def _begin(
        self, caller: Peer, command: Call, segments: Segments, exposer: Peer | None, moment: Moment
    ) -> PendingCall:
        number = self._last_number = self._last_number + 1
        seconds, request = self._usual_seconds, command.request
        if command.seconds is not None:
            seconds = command.seconds if 0 <= command.seconds <= self._most_seconds else self._most_seconds
        deadline = moment.monotonic + seconds
        pending = PendingCall(number, caller, request, exposer, command.topic, segments, deadline)
        self._pending[number] = caller.calls[request] = pending
        if exposer is not None:
            exposer.serving[number] = pending
        heappush(self._deadlines, (deadline, number))
        if not number % _MOST_PAST and len(self._deadlines) > 2 * len(self._pending):
            self._deadlines = sorted((call.deadline, call.number) for call in self._pending.values())
        return pending

    def _end(self, pending: PendingCall) -> None:
        del self._pending[pending.number]
        del pending.caller.calls[pending.request]
        if pending.exposer is not None:
            del pending.exposer.serving[pending.number]

    def _finish(self, pending: PendingCall, command: Answer) -> list[Effect]:
        self._end(pending)
        session = pending.caller.session
        if session is None or pending.request is None:
            return []
        answered = Answered(pending.request, command.payload, command.size, command.failed)
        return self._deliveries.post(pending.caller, Send(session, answered), command.size)

    def _fail(self, pending: PendingCall, reason: Reason) -> list[Effect]:
        self._end(pending)
        session = pending.caller.session
        if session is None or pending.request is None:
            return []
        return [Send(session, Failed(pending.request, reason, pending.topic))]

    def _withdraw(self, pending: PendingCall) -> list[Effect]:
        self._end(pending)
        return self._tell_exposer(pending)

    def _tell_exposer(self, pending: PendingCall) -> list[Effect]:
        exposer = pending.exposer
        if exposer is None or exposer.session is None:
            return []
        return [Send(exposer.session, Withdrawn(pending.number))]
