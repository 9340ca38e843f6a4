"""What a generator of load needs to know of a broker's protocol; each of the other modules here is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bench.suite.connection import Connection

__all__ = ["CallDialect", "Dialect"]


class Dialect(Protocol):
    """A protocol with topics; they are named by words with a ``/`` between."""

    def connect(self, name: str) -> Connection:
        """Return a connection whose name is proven.

        :raises Skipped: when the broker does not let it in.
        """

    def subscribe(self, stream: Connection, topics: Sequence[str]) -> None:
        """Subscribe to topics, and wait until that holds."""

    def publication(self, topic: str, payload: bytes) -> bytes:
        """Write a message, which asks for no acknowledgement."""

    def delivery_size(self, data: bytes) -> int | None:
        """Return how many bytes the first message has that arrived here; ``None`` while it cannot be told."""


class CallDialect(Dialect, Protocol):
    """A protocol with calls, too."""

    def expose(self, stream: Connection, topic: str) -> None:
        """Offer to answer calls of a topic, and wait until that holds."""

    def begin_calls(self, stream: Connection) -> None:
        """Do what has to be done once before the first call, if anything."""

    def call(self, topic: str, payload: bytes, number: int) -> bytes:
        """Write a call; every call, and every result, has the same size whatever the number up to six digits."""

    def answers(self, data: bytes) -> tuple[bytes, bytes]:
        """Answer all calls that came whole with their own payload; return that, and the rest of what came."""

    def result_size(self, data: bytes) -> int | None:
        """Return how many bytes the first result has that arrived here; ``None`` while it cannot be told."""
