"""The broker put together: inputs of all sessions go in, effects come out.

Effects are to be carried out in their order. While a session is identifying or verifying, its door reads no further.
"""

from __future__ import annotations

from collections.abc import Iterable

from pkid.broker.calls import Calls
from pkid.broker.changes import Change, changes_to
from pkid.broker.commands import Answer, Command, Publish, PublishBatch, PublishSeries, View
from pkid.broker.deliveries import Deliveries
from pkid.broker.effects import CloseReason, Effect, Send
from pkid.broker.identity import Identity, Tenants
from pkid.broker.inputs import Disconnect, Input, Lost, Pause, Ready, Recalled
from pkid.broker.membership import Membership
from pkid.broker.message import Moment
from pkid.broker.operations import Operations, refusal
from pkid.broker.overview import Figures, describe_session, describe_topics
from pkid.broker.peer import Peer
from pkid.broker.policy import Duplicates, Policy
from pkid.broker.replies import Draining, Greet
from pkid.broker.rights import Rights
from pkid.broker.router import Router
from pkid.broker.session import Session
from pkid.broker.states import State
from pkid.errors import PkidError, Reason, Refused

__all__ = ["Broker"]

_OPEN = State.OPEN


class Broker:
    """All sessions, and what they do to one another.

    :param own: topics of calls that the core itself answers.
    :param last_number: the number of the newest message that is kept from before the start.
    :param tenants: the tenants that were declared.
    """

    def __init__(
        self,
        policy: Policy,
        rights: Rights,
        own: frozenset[str] = frozenset(),
        last_number: int = 0,
        tenants: Iterable[str] = (),
    ) -> None:
        self.rights = rights
        self._tenants = Tenants(tenants)
        self.membership = Membership(policy, self._tenants)
        self._policy = policy
        self._deliveries = Deliveries(policy, rights)
        self._router = Router(policy, rights, self.membership, self._deliveries, last_number)
        self._calls = Calls(policy, rights, self.membership, self._deliveries, own)
        self._sessions: dict[int, Session] = {}
        self._logins: dict[int, Session] = {}
        self._peers: dict[int, Peer] = {}
        self._last_session = 0
        self._operations = Operations(policy, rights, self._router, self._calls, self.look).handlers

    # Sessions

    def connect(self, challenge: bytes, moment: Moment, offered: bool, active: bool = True) -> tuple[int, list[Effect]]:
        """Begin a session and return its number.

        :param challenge: 32 random bytes.
        :param offered: whether the door sends them at once, so that a proof may come without a name before it.
        :param active: whether the session takes messages from the start.
        """
        self._last_session += 1
        session = Session(self._last_session, challenge, self._policy, self, offered, active)
        self._sessions[session.number] = session
        if self._policy.authenticated:
            session.deadline = moment.monotonic + self._policy.login_time.total_seconds()
        self._watch(session)
        return session.number, [Send(session.number, Greet(challenge))] if offered else []

    def receive(self, number: int, given: Command | Input, moment: Moment) -> list[Effect]:
        """Take an input of one session; one that is not there any more is passed over."""
        session = self._sessions.get(number)
        if session is None:
            return []
        operation = self._operations.get(type(given))
        if operation is None or session.state is not _OPEN:
            effects = self._receive_other(session, given, moment)
        else:
            peer = self._peers[number]
            try:
                effects = operation(peer, given, moment)
            except Refused as refused:
                effects = refusal(peer, given, refused)
        if self._deliveries.overflown:
            effects += self._close_overflown(moment)
        return effects

    def state(self, number: int) -> State:
        """Tell how far a session has come; one that is not there any more is closed."""
        session = self._sessions.get(number)
        return State.CLOSED if session is None else session.state

    def tick(self, moment: Moment) -> list[Effect]:
        """Give up logins and calls, and send again what was not acknowledged; to be called a few times a second."""
        effects: list[Effect] = []
        for session in list(self._logins.values()):
            if session.deadline is not None and session.deadline <= moment.monotonic:
                effects += self._end(session, CloseReason.LOGIN_TIME)
        effects += self._calls.tick(moment) + self._deliveries.tick(moment)
        return effects + self._close_overflown(moment)

    def drain(self) -> list[Effect]:
        """Tell every client that the broker is about to stop, and end the logins that are under way."""
        effects: list[Effect] = []
        for session in list(self._sessions.values()):
            if session.state in {State.OPEN, State.GREETED}:
                effects.append(Send(session.number, Draining()))
            else:
                effects += self._end(session, CloseReason.DRAINING)
        return effects

    def look(self, view: View) -> tuple[object, ...]:
        """Return an overview: of sessions, of topics, or the changes that make up the rights."""
        match view:
            case View.SESSIONS:
                return tuple(describe_session(s, self._peers.get(s.number)) for s in self._sessions.values())
            case View.TOPICS:
                return tuple(describe_topics(self.membership.tenants()))
            case View.RIGHTS:
                return tuple(changes_to(self.rights))

    @property
    def figures(self) -> Figures:
        """Return how much there is of everything."""
        waiting = sum(peer.backlog.bytes for peer in self._peers.values())
        return Figures(waiting, self._deliveries.dropped, len(self._calls))

    # What the core tells

    def change(self, change: Change) -> list[Effect]:
        """Let a change of the rights, which was committed, take effect."""
        change.apply(self.rights)
        return self._calls.recheck()

    def kept(self, numbers: Iterable[int], error: PkidError | None = None) -> list[Effect]:
        """Take note that messages, whose keeping was awaited, were committed, or were not."""
        return self._router.kept(numbers, error)

    def served(self, answer: Answer) -> list[Effect]:
        """Pass on the core's own answer to a call."""
        return self._calls.served(answer)

    def expel(self, component: str, proven_too: bool = True) -> list[Effect]:
        """End a component's sessions and logins, and forget what it wanted, because its name was revoked.

        :param proven_too: ``False`` when the name got its first key, so that none but its holder may use it now.
        """
        effects: list[Effect] = []
        for session in [session for session in self._sessions.values() if session.wanted_name == component]:
            effects += self._end(session, CloseReason.EXPELLED)  # what is known of its proof is out of date
        for peer in self.membership.peers(component):
            if proven_too or not peer.identity.authenticated:
                if peer.session is not None:
                    effects += self._end(self._sessions[peer.session], CloseReason.EXPELLED)
                self.membership.forget(peer)
        return effects

    def declare(self, tenants: Iterable[str]) -> list[Effect]:
        """Have these tenants from now on, and no others; end the sessions of names that belong elsewhere now.

        What the proven ones subscribed to goes with them.
        """
        self._tenants.declare(tenants)
        effects: list[Effect] = []
        for peer in self.membership.displaced():
            if peer.session is not None:
                effects += self._end(self._sessions[peer.session], CloseReason.EXPELLED)
            self.membership.move(peer)
        return effects

    # What a session asks of the broker: `pkid.broker.session.Seats`

    def take(self, session: Session, moment: Moment) -> list[Effect]:
        """Let a session take part under its identity.

        :raises Refused: ``name-in-use``.
        """
        effects = self._make_way(session.identity)
        peer = self._peers[session.number] = self.membership.join(session.identity, session.number, session.active)
        return effects + self._router.recall_all(peer, moment)

    def is_worth_stealing(self, component: str) -> bool:
        """Tell whether the name has rights."""
        return self.rights.names(component)

    def identify(self, component: str, authenticated: bool) -> Identity:
        """Return the identity of a component."""
        return self._tenants.identify(component, authenticated)

    # Within

    def _receive_other(self, session: Session, given: Command | Input, moment: Moment) -> list[Effect]:
        """Take what is no command of an open session, or several at once."""
        if type(given) is PublishBatch:
            return self._publish_batch(session.number, given, moment)
        if type(given) is PublishSeries:
            return self._publish_series(session.number, given, moment)
        effects = self._at_session(session, given, moment)
        if type(given) in self._operations and session.state is _OPEN:
            effects += self.receive(session.number, given, moment)
        return effects

    def _at_session(self, session: Session, given: Command | Input, moment: Moment) -> list[Effect]:
        peer = self._peers.get(session.number)
        match given:
            case Lost():
                return self._end(session, CloseReason.LOST)
            case Disconnect(reason=reason):
                return self._end(session, reason)
            case Pause() | Ready() | Recalled() if peer is None:
                return []
            case Pause() if peer is not None:
                self._deliveries.pause(peer)
                return []
            case Ready(room=room) if peer is not None:
                return self._deliveries.resume(peer, room, moment)
            case Recalled() if peer is not None:
                return self._deliveries.recalled(peer, given, moment)
        effects = session.receive(given, moment)
        self._watch(session)
        return effects + (self._dismiss(session) if session.state is State.CLOSED else [])

    def _publish_batch(self, number: int, batch: PublishBatch, moment: Moment) -> list[Effect]:
        """Publish together what can be; else one by one, so that each may wait, be kept or refused for itself."""
        peer = self._peers.get(number)
        together = None if peer is None else self._router.publish_batch(peer, batch, moment)
        if together is not None:
            return together
        return [effect for part in batch.parts for effect in self.receive(number, part, moment)]

    def _publish_series(self, number: int, series: PublishSeries, moment: Moment) -> list[Effect]:
        peer = self._peers.get(number)
        if peer is None:
            return [effect for part in series.parts for effect in self.receive(number, part, moment)]

        def alone(part: Publish) -> list[Effect]:
            return self.receive(number, part, moment)

        return self._router.publish_series(peer, series, moment, alone)

    def _make_way(self, identity: Identity) -> list[Effect]:
        """Decide between a newcomer and who is there under its name: who proved the name comes before who did not."""
        effects: list[Effect] = []
        for peer in self.membership.peers(identity.component) if identity.component is not None else ():
            if peer.session is None:
                continue
            replaces = identity.authenticated and self._policy.duplicates is Duplicates.REPLACE
            if identity.authenticated and not peer.identity.authenticated:
                effects += self._end(self._sessions[peer.session], CloseReason.EXPELLED)
            elif replaces:
                effects += self._end(self._sessions[peer.session], CloseReason.REPLACED)
            else:
                raise Refused(Reason.NAME_IN_USE, identity.component or "")
        return effects

    def _watch(self, session: Session) -> None:
        if session.deadline is not None and session.state is not State.CLOSED:
            self._logins[session.number] = session
        else:
            self._logins.pop(session.number, None)

    def _end(self, session: Session, reason: CloseReason) -> list[Effect]:
        effects = session.close(reason)
        self._watch(session)
        return effects + self._dismiss(session)

    def _dismiss(self, session: Session) -> list[Effect]:
        self._sessions.pop(session.number, None)
        peer = self._peers.pop(session.number, None)
        if peer is None:
            return []
        effects = self._router.rest(peer) + self._calls.lose(peer)
        self._deliveries.leave(peer)
        self.membership.leave(peer)
        return effects

    def _close_overflown(self, moment: Moment) -> list[Effect]:
        effects: list[Effect] = []
        for peer in list(self._deliveries.overflown):
            if peer.session is not None:
                effects += self._end(self._sessions[peer.session], CloseReason.OVERFLOW)
        self._deliveries.overflown.clear()
        return effects
