"""What the two ends of a connection say to each other, of which the broker hears nothing."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bye", "Help", "Ping", "Pong", "Talk"]


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask whether the other end is there."""

    request: str = ""


@dataclass(frozen=True, slots=True)
class Pong:
    """Say that one is."""

    request: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """Ask which verbs there are."""

    request: str = ""


@dataclass(frozen=True, slots=True)
class Bye:
    """Say that the connection is to end."""

    request: str = ""


Talk = Ping | Pong | Help | Bye
