"""What real clients and brokers of the protocol said to one another, message by message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Recorded", "recorded", "scenarios"]


@dataclass(frozen=True)
class Recorded:
    """One message, or the end of a connection.

    :ivar connection: which connection of the scenario it was seen on.
    :ivar sent: whether the client sent it.
    :ivar data: what was said, as text if it was sent as text; nothing at the end.
    """

    connection: int
    sent: bool
    data: bytes | str


def scenarios() -> dict[str, list[Recorded]]:
    """Return all recordings."""
    recordings = json.loads(Path(__file__).with_name("recordings.json").read_text())
    return {
        name: [Recorded(connection, way == ">", _data(data)) for connection, way, data in events]
        for name, events in recordings.items()
    }


def recorded() -> Iterator[Recorded]:
    """Yield every recorded message."""
    for events in scenarios().values():
        yield from (event for event in events if event.data)


def _data(text: str) -> bytes | str:
    return text if text.startswith("{") else bytes.fromhex(text)
