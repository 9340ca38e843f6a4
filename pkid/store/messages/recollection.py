"""One recall of kept messages, in slices: none looks at more than some thousands of rows, or holds more than asked for.

Looking costs little, because only numbers and topics are read; a message is read when it is certain that it is wanted.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from pkid.broker.effects import Recall
from pkid.broker.inputs import Recalled
from pkid.broker.kept import Selection
from pkid.broker.message import Message
from pkid.store.conditions import Unindexed
from pkid.store.messages.rows import message_of
from pkid.store.messages.schema import messages
from pkid.store.messages.topics import topics_of

__all__ = ["SLICE", "Recollection"]

SLICE = 8192
"""How many rows are looked at, at most, in one transaction; some ten milliseconds."""

_PROBE = 1024  # rows that are looked at before it is asked which topics are wanted
_CHUNK = 256  # messages that one statement reads
_ROWS = select(messages.c.number, messages.c.topic, messages.c.received_at, messages.c.size)


class Recollection:
    """Finds what a recall asks for: among the next messages, and if few of these are wanted, by topics."""

    def __init__(self, recall: Recall) -> None:
        self._recall = recall
        self._selection = Selection(recall)
        self._rows = _ROWS.where(messages.c.tenant == recall.tenant).order_by(messages.c.number)
        self._slice = _PROBE
        self._beyond = recall.beyond
        self._numbers: list[int] = []
        self._size = 0
        self._more = False
        if self._selection.topics is not None and len(self._selection.topics) == 1:
            self._rows = self._rows.where(messages.c.topic == self._selection.topics[0])
            self._slice = SLICE

    def look_on(self, connection: Connection) -> Recalled | None:
        """Look at the next rows; return the messages when that was the last part."""
        if self._look(connection) == self._slice and not self._more:
            if self._slice == _PROBE:
                self._narrow(connection)
            return None
        return self._read(connection)

    def _look(self, connection: Connection) -> int:
        """Note what is wanted of the next rows; return at how many it looked."""
        bounds = messages.c.number > self._beyond, messages.c.number <= self._recall.until
        looked_at = 0
        with connection.execute(self._rows.where(*bounds).limit(self._slice)) as found:
            for number, topic, received_at, size in found:
                looked_at += 1
                self._beyond = number
                if not self._selection.wants(number, topic, received_at):
                    continue
                if self._numbers and self._is_full(size):
                    self._more = True
                    break
                self._numbers.append(number)
                self._size += size
        return looked_at

    def _narrow(self, connection: Connection) -> None:
        """Look at the wanted topics alone from now on, if they are few."""
        self._slice = SLICE
        topics = topics_of(connection, self._recall.tenant, self._selection)
        if topics is not None:
            of_topics = messages.c.tenant == self._recall.tenant, messages.c.topic.in_(topics)
            # Without that sign, SQLite would rather have the order by an index than the topics.
            self._rows = _ROWS.where(*of_topics).order_by(Unindexed(messages.c.number))

    def _is_full(self, size: int) -> bool:
        return len(self._numbers) >= self._recall.most or self._size + size > self._recall.room

    def _read(self, connection: Connection) -> Recalled:
        found: list[Message] = []
        for start in range(0, len(self._numbers), _CHUNK):
            chunk = messages.c.number.in_(self._numbers[start : start + _CHUNK])
            found += map(message_of, connection.execute(select(messages).where(chunk).order_by(messages.c.number)))
        return Recalled(self._recall, tuple(found), self._more)
