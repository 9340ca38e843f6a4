"""What an open session may ask for, each command with the part of the broker that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pkid.broker.calls import Calls
from pkid.broker.commands import (
    Acknowledge,
    AcknowledgeBatch,
    Administer,
    Answer,
    Call,
    Cancel,
    Command,
    Complete,
    Explain,
    Expose,
    Inspect,
    Publish,
    React,
    Setup,
    Subscribe,
    Unexpose,
    Unsubscribe,
    View,
)
from pkid.broker.effects import Audit, Effect, Event, Persist, Send
from pkid.broker.identity import Identity
from pkid.broker.message import Moment
from pkid.broker.peer import Peer
from pkid.broker.policy import Policy
from pkid.broker.replies import Done, Failed
from pkid.broker.rights import Rights
from pkid.broker.router import Router
from pkid.broker.topic import Pattern
from pkid.errors import Reason, Refused

__all__ = ["Operations", "refusal"]

_Handler = Callable[[Peer, Any, Moment], list[Effect]]


class Operations:
    """Does what open sessions ask for.

    :ivar handlers: what does each command; raises `Refused` when it is not to be, and then does no part of it.

    :param look: gives an overview of the whole broker.
    """

    def __init__(
        self, policy: Policy, rights: Rights, router: Router, calls: Calls, look: Callable[[View], tuple[object, ...]]
    ) -> None:
        self._parts = policy.exposures + policy.subscriptions
        self._rights = rights
        self._look = look
        self._router = router
        self.handlers: dict[type, _Handler] = {
            Acknowledge: router.acknowledge,
            AcknowledgeBatch: router.acknowledge_batch,
            Administer: self._administer,
            Answer: calls.answer,
            Call: calls.call,
            Cancel: _confirmed(calls.cancel),
            Complete: router.complete,
            Explain: self._explain,
            Expose: _confirmed(router.expose),
            Inspect: self._inspect,
            Publish: router.publish,
            React: _confirmed(router.react),
            Setup: self._set_up,
            Subscribe: _confirmed(router.subscribe),
            Unexpose: _confirmed(router.unexpose),
            Unsubscribe: _confirmed(router.unsubscribe),
        }

    def _administer(self, peer: Peer, command: Administer, moment: Moment) -> list[Effect]:
        if not self._rights.is_admin(peer.identity):
            raise Refused(Reason.NOT_ADMIN)
        session = peer.session or 0
        trail = Audit(Event.CHANGE, True, session, peer.identity, str(command.change))
        return [trail, Persist(session, command.request, command.change)]

    def _inspect(self, peer: Peer, command: Inspect, moment: Moment) -> list[Effect]:
        if not self._rights.is_admin(peer.identity):
            raise Refused(Reason.NOT_ADMIN)
        return _done(peer, command, self._look(command.view))

    def _explain(self, peer: Peer, command: Explain, moment: Moment) -> list[Effect]:
        own = command.component in {None, peer.identity.component}
        if not own and not self._rights.is_admin(peer.identity):
            raise Refused(Reason.NOT_ADMIN)
        identity = peer.identity if own else Identity(command.component, True)
        return _done(peer, command, self._rights.explain(identity, command.verb, Pattern(command.topic).segments))

    def _set_up(self, peer: Peer, command: Setup, moment: Moment) -> list[Effect]:
        """Do each part as if it were asked for alone; tell which topics were refused.

        :raises Refused: ``limit`` when it has more parts than there may be exposed and subscribed topics.
        """
        if len(command.exposed) + len(command.subscribed) > self._parts:
            raise Refused(Reason.LIMIT, f"{self._parts} parts of a setup")
        refused: list[str] = []
        effects: list[Effect] = []
        parts: list[tuple[_Handler, Expose | Subscribe]] = [
            *((self._router.expose, Expose(None, topic)) for topic in command.exposed),
            *((self._router.subscribe, Subscribe(None, topic, since)) for topic, since in command.subscribed),
        ]
        for handler, part in parts:
            try:
                effects += handler(peer, part, moment)
            except Refused:
                refused.append(part.topic)
        effects += self._router.react(peer, React(None, True), moment)
        return _done(peer, command, tuple(refused)) + effects


def _confirmed(handler: _Handler) -> _Handler:
    """Tell the client that it was done, before anything that follows from it."""

    def confirm(peer: Peer, command: Any, moment: Moment) -> list[Effect]:
        effects = handler(peer, command, moment)
        return _done(peer, command) + effects

    return confirm


def _done(peer: Peer, command: Command, value: object = None) -> list[Effect]:
    return [] if command.request is None else [Send(peer.session or 0, Done(command.request, value))]


def refusal(peer: Peer, command: Any, refused: Refused) -> list[Effect]:
    """Tell a client that its command was refused, and the trail where a right was missing."""
    effects: list[Effect] = []
    session = peer.session or 0
    if refused.reason in {Reason.FORBIDDEN, Reason.NOT_ADMIN}:
        # A topic was read before anything was forbidden on it, so that it can stand in the trail.
        about = getattr(command, "topic", getattr(command, "change", ""))
        detail = f"{type(command).__name__.lower()} {about}".strip()
        effects.append(Audit(Event.FORBIDDEN, False, session, peer.identity, detail))
    if command.request is not None:
        effects.append(Send(session, Failed(command.request, refused.reason, refused.subject)))
    return effects
