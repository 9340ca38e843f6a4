"""A finding: what was seen, how bad it is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Finding", "Severity", "failure", "ok", "problem", "warning"]


class Severity(Enum):
    """How bad something is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen.

    :ivar what: a sentence's beginning, about what was seen.
    :ivar remedy: what to do; with nothing to mend it may be an advice, or empty.
    """

    severity: Severity
    what: str
    remedy: str = ""


def ok(what: str, advice: str = "") -> Finding:
    """Return that something is as it should be."""
    return Finding(Severity.OK, what, advice)


def warning(what: str, remedy: str) -> Finding:
    """Return that something works, and should be looked at."""
    return Finding(Severity.WARNING, what, remedy)


def problem(what: str, remedy: str) -> Finding:
    """Return that something does not work, or is not safe."""
    return Finding(Severity.PROBLEM, what, remedy)


def failure(error: Exception) -> Finding:
    """Return the same of an error, whose sentence says what to do behind a semicolon."""
    what, _, remedy = str(error).partition("; ")
    return problem(what, remedy)
