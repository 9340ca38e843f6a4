"""What the Rembus door gives a connection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Budget"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What one connection may take."""

    first_word: timedelta = timedelta(seconds=5)
    """From the connection to the end of the handshakes, of TLS and of WebSocket."""
    login: timedelta = timedelta(seconds=10)
    """From the connection to an open session, where only proven names are served."""
    login_bytes: int = 16 * 1024
    """What may come before the session is open, where only proven names are served."""
    message: int = 1 << 20
    """Bytes of one message."""
    idle: timedelta = timedelta(minutes=1)
    """After how long a silence the client is asked whether it is there."""
    answer: timedelta = timedelta(seconds=30)
    """How long it has to say so."""
    farewell: timedelta = timedelta(seconds=3)
    """How long the last message has to arrive."""
    handshakes: int = 1000
    """Connections that did not shake hands yet."""
    handshakes_per_address: int = 100
