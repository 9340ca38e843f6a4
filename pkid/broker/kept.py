"""Messages kept for those who come later, in memory: for a broker without a store, and as the model of one."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from datetime import timedelta
from itertools import islice

from pkid.broker.effects import Recall, Wanted
from pkid.broker.index import PatternIndex
from pkid.broker.inputs import Recalled
from pkid.broker.message import Message
from pkid.broker.topic import SEPARATOR

__all__ = ["KeptMessages", "Selection"]

_MOST_TOPICS = 4096  # of which is remembered who wants them


class Selection:
    """Tells which kept messages a recall wants.

    :ivar topics: the only topics that it wants; ``None`` when there are patterns among them.
    """

    def __init__(self, recall: Recall) -> None:
        literal = all(want.pattern.is_literal for want in recall.wanted)
        self.topics = tuple({want.pattern.text for want in recall.wanted}) if literal else None
        self._wanted: PatternIndex[Wanted] = PatternIndex()
        for want in recall.wanted:
            self._wanted.add(want.pattern, want)
        self._known: dict[str, tuple[Wanted, ...]] = {}

    def wants(self, number: int, topic: str, received_at: float) -> bool:
        """Tell whether a message is wanted."""
        wants = self._known.get(topic)
        if wants is None:
            if len(self._known) >= _MOST_TOPICS:
                self._known.clear()
            wants = self._known[topic] = self._find(topic)
        return any(number > want.beyond and received_at >= want.since for want in wants)

    def _find(self, topic: str) -> tuple[Wanted, ...]:
        return tuple(want for _, wants in self._wanted.find(tuple(topic.split(SEPARATOR))) for want in wants)


class KeptMessages:
    """Keeps the newest messages of each tenant.

    :param most: how many of a tenant.
    :param room: how many bytes of payload of a tenant.
    :param age: how old they may become.
    """

    def __init__(self, most: int = 10_000, room: int = 16 << 20, age: timedelta = timedelta(hours=1)) -> None:
        self._most = most
        self._room = room
        self._age = age.total_seconds()
        self._tenants: dict[str, deque[Message]] = {}
        self._bytes: dict[str, int] = {}

    def keep(self, message: Message) -> None:
        """Keep a message, in its place; once if it comes twice. The oldest make room."""
        row = self._tenants.setdefault(message.tenant, deque())
        place = (
            len(row) if not row or row[-1].number < message.number else bisect_right(row, message.number, key=_number)
        )
        if place and row[place - 1].number == message.number:
            return
        row.insert(place, message)
        self._bytes[message.tenant] = self._bytes.get(message.tenant, 0) + message.size
        while len(row) > self._most or self._bytes[message.tenant] > self._room:
            self._drop_oldest(message.tenant)
        self._tidy(message.tenant)

    def expire(self, utc: float) -> None:
        """Drop what became too old by this instant, seconds since the epoch."""
        for tenant in list(self._tenants):
            row = self._tenants[tenant]
            while row and row[0].received_at < utc - self._age:
                self._drop_oldest(tenant)
            self._tidy(tenant)

    def recall(self, recall: Recall) -> Recalled:
        """Find what is asked for."""
        selection = Selection(recall)
        row = self._tenants.get(recall.tenant, deque())
        found: list[Message] = []
        size = 0
        for message in islice(row, bisect_right(row, recall.beyond, key=_number), None):
            if message.number > recall.until:
                break
            if not selection.wants(message.number, message.topic, message.received_at):
                continue
            if found and (len(found) >= recall.most or size + message.size > recall.room):
                return Recalled(recall, tuple(found), more=True)
            found.append(message)
            size += message.size
        return Recalled(recall, tuple(found), more=False)

    def _drop_oldest(self, tenant: str) -> None:
        self._bytes[tenant] -= self._tenants[tenant].popleft().size

    def _tidy(self, tenant: str) -> None:
        if not self._tenants[tenant]:
            del self._tenants[tenant], self._bytes[tenant]


def _number(message: Message) -> int:
    return message.number
