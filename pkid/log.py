"""The text of the log, as Twisted writes it, at less cost for the lines that come most often.

Knows how an event looks as text; must not know what events mean. What Twisted's ports say when they open and close is
left out: the doors say it themselves, with their names.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import IO, Any

from twisted.logger import FileLogObserver, LogEvent, formatEventAsClassicLogText, formatTime

from pkid.audit import NAMESPACE

__all__ = ["event_text", "stdout_observer", "text_observer"]

_OF_OLD = "log_legacy"  # the namespace of what comes by twisted.python.log
_OF_A_PORT = re.compile(r"\w+ starting on \S.*|\((TCP|UNIX) Port .* Closed\)")


def stdout_observer() -> FileLogObserver:
    """Return what writes the log to standard output, as ``twistd -n`` does."""
    return text_observer(sys.stdout)


def text_observer(file: IO[Any]) -> FileLogObserver:
    """Return what writes the log to a file."""
    return FileLogObserver(file, event_text)


def event_text(event: LogEvent) -> str | None:
    """Return an event's line, as Twisted's own observer of files writes it; ``None`` for an event without one."""
    line, namespace = event.get("audit_line"), event.get("log_namespace")
    if namespace == _OF_OLD and _OF_A_PORT.fullmatch(event.get("log_text", "")):
        return None
    if line is None or namespace != NAMESPACE:
        return formatEventAsClassicLogText(event, formatTime=_when)
    return f"{_when(event['log_time'])} [{NAMESPACE}#{event['log_level'].name}] {line}\n"


def _when(seconds: float | None) -> str:
    return formatTime(seconds) if seconds is None else _second(int(seconds // 1))


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    """Write a second of local time, whose offset to UTC changes between seconds only."""
    return formatTime(seconds)
