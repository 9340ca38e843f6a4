"""Carries out what the store is asked for: messages that are kept, what components want of them, and the rights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.broker.changes import Change
from pkid.broker.effects import CloseReason, Forget, Keep, Mark, Persist, Recall, Remember
from pkid.broker.inputs import Committed, Disconnect, Recalled
from pkid.broker.inputs import Failure as NotDone
from pkid.errors import PkidError, Reason, Unavailable
from pkid.messaging.connections import Connections
from pkid.messaging.engine import Engine, Handlers
from pkid.messaging.store import BrokerStore
from pkid.messaging.tally import Tally

__all__ = ["Retention"]


class Retention:
    """Gives the store what is to be kept, and the broker what was.

    :param apply: lets a change of the rights that was committed take effect.
    """

    _log = Logger()

    def __init__(
        self,
        engine: Engine,
        connections: Connections,
        store: BrokerStore,
        tally: Tally,
        apply: Callable[[Change], None],
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._store = store
        self._tally = tally
        self._apply = apply

    @property
    def handlers(self) -> Handlers:
        """What carries out the effects that are for the store."""
        store = self._store
        return {
            Keep: self._keep,
            Recall: self._recall,
            Remember: lambda effect: store.remember(effect.component, effect.pattern, effect.since),
            Forget: lambda effect: store.forget(effect.component, effect.pattern),
            Mark: lambda effect: store.mark(effect.component, effect.number),
            Persist: self._persist,
        }

    def kept(self, numbers: Sequence[int], error: PkidError | None) -> None:
        """Take note that messages were committed, or were not."""
        self._engine.carry_out(self._engine.broker.kept(numbers, error))

    def change(self, change: Change, by: str) -> Deferred[None]:
        """Commit a change of the rights, then let it take effect; fire when both is done.

        Fails with :class:`~pkid.errors.Unavailable` when it cannot be committed: then nothing has changed.
        """
        return self._store.persist(change, by).addCallback(self._take_effect, change)

    def _take_effect(self, _: object, change: Change) -> None:
        self._apply(change)

    def _keep(self, effect: Keep) -> None:
        self._tally.kept += 1
        self._store.keep(effect.message, effect.awaited)

    def _recall(self, effect: Recall) -> None:
        self._store.recall(effect).addCallbacks(
            self._recalled, self._not_recalled, callbackArgs=(effect.session,), errbackArgs=(effect.session,)
        )

    def _recalled(self, recalled: Recalled, session: int) -> None:
        self._engine.receive(session, recalled)

    def _not_recalled(self, failure: Failure, session: int) -> None:
        """End the session: how far it got stays as it was, so that its next one gets what this one did not."""
        if not failure.check(PkidError):
            self._log.failure("kept messages cannot be read", failure)
        self._engine.receive(session, Disconnect(CloseReason.STORE))

    def _persist(self, effect: Persist) -> None:
        connection = self._connections.find(effect.session)
        by = connection.identity.component if connection is not None else None
        changed = self.change(effect.change, by or "-")
        changed.addCallbacks(self._confirm, self._refuse, callbackArgs=(effect,), errbackArgs=(effect,))

    def _confirm(self, _: Any, effect: Persist) -> None:
        self._engine.receive(effect.session, Committed(effect.request))

    def _refuse(self, failure: Failure, effect: Persist) -> None:
        error = failure.value
        if not isinstance(error, PkidError):
            self._log.failure("the rights cannot be changed", failure)
            error = Unavailable(Reason.STORE)
        self._engine.receive(effect.session, NotDone(effect.request, error))
