"""The audit trail as a test sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

__all__ = ["Trail", "audited"]


@implementer(ILogObserver)
@dataclass(slots=True)
class Trail:
    """The events of the audit trail, in order."""

    events: list[LogEvent] = field(default_factory=list)

    def __call__(self, event: LogEvent) -> None:
        """Keep an event, if it is one of the trail."""
        if event.get("log_namespace") == "pkid.audit":
            self.events.append(event)

    @property
    def lines(self) -> list[str]:
        """What stands in the log."""
        return [formatEvent(event) for event in self.events]

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The fields that programs read."""
        return [event["audit"] for event in self.events]


@contextmanager
def audited() -> Iterator[Trail]:
    """Collect the audit trail of a block."""
    trail = Trail()
    globalLogPublisher.addObserver(trail)
    try:
        yield trail
    finally:
        globalLogPublisher.removeObserver(trail)
