"""What a door gives one connection before and after it knows who is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Budget"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What one connection may take; doors set what is different with them."""

    first_word: timedelta = timedelta(seconds=5)
    """From the connection to the first thing that can be read, all handshakes included."""
    login: timedelta = timedelta(seconds=60)
    """From the connection to an open session."""
    login_bytes: int = 16 * 1024
    """What may come before the session is open."""
    turn: int = 64
    """Things said that are done before others have their turn."""
    idle: timedelta = timedelta(minutes=5)
    """After how long a silence the client is asked whether it is there."""
    answer: timedelta = timedelta(minutes=1)
    """How long it has to say so."""
    farewell: timedelta = timedelta(seconds=3)
    """How long the last thing that is written has to arrive."""
    handshakes: int = 1000
    """Connections that did not shake hands yet."""
    handshakes_per_address: int = 100
