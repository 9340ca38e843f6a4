"""What the line door gives a connection before and after it knows who is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from pkid.line.codec import Limits

__all__ = ["Budget"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What one connection may take."""

    first_word: timedelta = timedelta(seconds=5)
    """From the connection to the first line that can be read, the TLS handshake included."""
    login: timedelta = timedelta(seconds=60)
    """From the connection to an open session, so that a person has the time to type a proof."""
    login_bytes: int = 16 * 1024
    """What may come before the session is open."""
    turn: int = 64
    """Lines that are read of it before others have their turn."""
    faults: int = 10
    """Lines in a row that cannot be read."""
    idle: timedelta = timedelta(minutes=5)
    """After how long a silence the client is asked whether it is there."""
    answer: timedelta = timedelta(minutes=1)
    """How long it has to say so."""
    farewell: timedelta = timedelta(seconds=3)
    """How long the last line has to arrive."""
    handshakes: int = 1000
    """Connections whose TLS handshake is under way."""
    handshakes_per_address: int = 100
    limits: Limits = field(default_factory=Limits)
