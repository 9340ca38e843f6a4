"""One recall of kept messages, in slices: none looks at more than some thousands of rows, or holds more than asked for.

Looking costs little, because only numbers and topics are read; a message is read when it is certain that it is wanted.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, select

from pkid.broker.effects import Recall
from pkid.broker.inputs import Recalled
from pkid.broker.kept import Selection
from pkid.broker.message import Message
from pkid.store.messages.rows import message_of
from pkid.store.messages.schema import messages

__all__ = ["SLICE", "Recollection"]

SLICE = 8192
"""How many rows are looked at, at most, in one transaction; some ten milliseconds."""

_MOST_TOPICS = 100  # that are looked up one by one
_CHUNK = 256  # messages that one statement reads
_LOOK = messages.c.number, messages.c.topic, messages.c.received_at, messages.c.size


class Recollection:
    """Finds what a recall asks for.

    :ivar is_done: whether all was found.
    """

    def __init__(self, recall: Recall) -> None:
        self.is_done = False
        self._recall = recall
        self._selection = Selection(recall)
        self._beyond = recall.beyond
        self._numbers: list[int] = []
        self._size = 0
        self._more = False

    def look_on(self, connection: Connection) -> Recalled | None:
        """Look at the next rows; return the messages when that was the last part."""
        looked_at = connection.execute(self._next_slice()).all()
        for row in looked_at:
            if not self._selection.wants(row.number, row.topic, row.received_at):
                continue
            if self._numbers and self._is_full(row.size):
                self._more = True
                break
            self._numbers.append(row.number)
            self._size += row.size
        self.is_done = self._more or len(looked_at) < SLICE
        if not self.is_done:
            self._beyond = looked_at[-1].number
            return None
        return self._read(connection)

    def _is_full(self, size: int) -> bool:
        return len(self._numbers) >= self._recall.most or self._size + size > self._recall.room

    def _next_slice(self) -> Select[Any]:
        number = messages.c.number
        rows = select(*_LOOK).where(
            messages.c.tenant == self._recall.tenant, number > self._beyond, number <= self._recall.until
        )
        topics = self._selection.topics
        if topics is not None and len(topics) <= _MOST_TOPICS:
            rows = rows.where(messages.c.topic.in_(topics))
        return rows.order_by(number).limit(SLICE)

    def _read(self, connection: Connection) -> Recalled:
        found: list[Message] = []
        for start in range(0, len(self._numbers), _CHUNK):
            chunk = messages.c.number.in_(self._numbers[start : start + _CHUNK])
            found += map(message_of, connection.execute(select(messages).where(chunk).order_by(messages.c.number)))
        return Recalled(self._recall, tuple(found), self._more)
