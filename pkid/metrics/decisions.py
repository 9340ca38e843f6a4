"""Counts decisions as they are written into the audit trail."""

from __future__ import annotations

from collections import Counter

from twisted.application.service import Service
from twisted.logger import ILogObserver, LogEvent, LogPublisher
from zope.interface import implementer

from pkid.audit import NAMESPACE, Strangers
from pkid.metrics.readings import Labelled

__all__ = ["LABELS", "Decisions"]

LABELS = ("action", "result", "reason")
"""What is told of a decision: words of pkid's own, never a name or a text of a caller."""

_MOST_KINDS = 256
"""Combinations of labels that are told apart; there are fewer, and a mistake must not make more."""


@implementer(ILogObserver)
class Decisions(Service):
    """How many decisions there were of each kind since the start; it observes the log.

    :param strangers: knows what was left out of the trail.
    """

    name = "decisions"

    def __init__(self, strangers: Strangers, publisher: LogPublisher) -> None:
        self._strangers = strangers
        self._publisher = publisher
        self._written: Counter[tuple[str, ...]] = Counter()

    def startService(self) -> None:
        """Begin to count."""
        super().startService()
        self._publisher.addObserver(self)

    def stopService(self) -> None:
        """Count no longer."""
        super().stopService()
        self._publisher.removeObserver(self)

    def __call__(self, event: LogEvent) -> None:
        """Count an event, if it is one of the trail."""
        fields = event.get("audit")
        if isinstance(fields, dict) and event.get("log_namespace") == NAMESPACE:
            action, result, reason = fields.get("action", ""), fields.get("result", ""), fields.get("reason", "")
            known = (action, result, reason) in self._written or len(self._written) < _MOST_KINDS
            self._written[action, result, reason if known else "other"] += 1

    def read(self) -> Labelled:
        """Return how many decisions there were, those that were left out of the trail included."""
        return self._written + self._strangers.left_out
