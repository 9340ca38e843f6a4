"""One recall of kept messages, in slices: none looks at more than so many rows, or holds more than was asked for.

The database leaves out what cannot be wanted, by conditions that may let too much through; the rest is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, or_, select

from pkid.broker.effects import Recall
from pkid.broker.inputs import Recalled
from pkid.broker.kept import Selection
from pkid.broker.message import Message
from pkid.broker.topic import MANY, ONE, SEPARATOR, Pattern
from pkid.store.messages.rows import message_of
from pkid.store.messages.schema import messages

__all__ = ["SLICE", "Recollection"]

SLICE = 20_000
"""How many rows are looked at, at most, in one transaction; some ten milliseconds."""

_FIRST_SLICE = 1024  # rows; often enough, and each further slice is four times as large
_MOST_TOPICS = 1000  # that one statement compares with
_MOST_PATTERNS = 50
_CHUNK = 256  # messages that one statement reads
_LOOK = select(messages.c.number, messages.c.topic, messages.c.received_at, messages.c.size)
_WILD = frozenset({ONE, MANY})
_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


class Recollection:
    """Finds what a recall asks for."""

    def __init__(self, recall: Recall) -> None:
        self._recall = recall
        self._selection = Selection(recall)
        self._scope = list(_scope(recall, self._selection))
        self._filter = list(_filter(recall, self._selection))
        self._slice = _FIRST_SLICE
        self._beyond = recall.beyond
        self._numbers: list[int] = []
        self._size = 0
        self._more = False

    def look_on(self, connection: Connection) -> Recalled | None:
        """Look at the next rows; return the messages when that was the last part."""
        end = self._end_of_slice(connection)
        self._look(connection, self._recall.until if end is None else end)
        if end is None or self._more:
            return self._read(connection)
        self._beyond, self._slice = end, min(SLICE, self._slice * 4)
        return None

    def _end_of_slice(self, connection: Connection) -> int | None:
        """Return the number of the slice's last row; ``None`` when it is the last slice."""
        number = messages.c.number
        bounds = number > self._beyond, number <= self._recall.until
        rows = select(number).where(*self._scope, *bounds).order_by(number).offset(self._slice - 1).limit(1)
        return connection.execute(rows).scalar_one_or_none()

    def _look(self, connection: Connection, end: int) -> None:
        bounds = messages.c.number > self._beyond, messages.c.number <= end
        rows = _LOOK.where(*self._scope, *bounds, *self._filter).order_by(messages.c.number)
        with connection.execute(rows) as found:
            for number, topic, received_at, size in found:
                if not self._selection.wants(number, topic, received_at):
                    continue
                if self._numbers and self._is_full(size):
                    self._more = True
                    return
                self._numbers.append(number)
                self._size += size

    def _is_full(self, size: int) -> bool:
        return len(self._numbers) >= self._recall.most or self._size + size > self._recall.room

    def _read(self, connection: Connection) -> Recalled:
        found: list[Message] = []
        for start in range(0, len(self._numbers), _CHUNK):
            chunk = messages.c.number.in_(self._numbers[start : start + _CHUNK])
            found += map(message_of, connection.execute(select(messages).where(chunk).order_by(messages.c.number)))
        return Recalled(self._recall, tuple(found), self._more)


def _scope(recall: Recall, selection: Selection) -> Iterator[ColumnElement[bool]]:
    """Yield what an index finds: the tenant's messages, or those of one topic."""
    yield messages.c.tenant == recall.tenant
    if selection.topics is not None and len(selection.topics) == 1:
        yield messages.c.topic == selection.topics[0]


def _filter(recall: Recall, selection: Selection) -> Iterator[ColumnElement[bool]]:
    """Yield what holds for every message that is wanted."""
    yield messages.c.received_at >= min((want.since for want in recall.wanted), default=0.0)
    patterns = {want.pattern for want in recall.wanted}
    if selection.topics is not None and len(selection.topics) <= _MOST_TOPICS:
        yield messages.c.topic.in_(selection.topics)
    elif len(patterns) <= _MOST_PATTERNS:
        yield or_(*(messages.c.topic.like(_like(pattern), escape="\\") for pattern in patterns))


def _like(pattern: Pattern) -> str:
    """Return a LIKE pattern for all topics that a pattern means, and some others."""
    runs = groupby(pattern.segments, key=_WILD.__contains__)
    return "".join("%" if wild else SEPARATOR.join(run).translate(_ESCAPED) for wild, run in runs)
