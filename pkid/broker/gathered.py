"""What of a series of messages goes together, while its order stays for each who gets them."""

from __future__ import annotations

from dataclasses import replace

from pkid.broker.commands import PublishSeries
from pkid.broker.effects import DeliverBatch, Effect
from pkid.broker.identity import Identity
from pkid.broker.message import Moment, Series
from pkid.broker.peer import Peer
from pkid.broker.routes import Way

__all__ = ["Gathered"]


class Gathered:
    """Messages by the ways that they go, of which no two lead to the same subscriber.

    :param series: what they are of.
    :param sender: who published them.
    """

    __slots__ = ("_members", "_messages", "_moment", "_sender", "_series")

    def __init__(self, series: PublishSeries, sender: Identity, moment: Moment) -> None:
        self._series = series
        self._sender = sender
        self._moment = moment
        self._messages: dict[Way, tuple[list[str], list[bytes]]] = {}
        self._members: set[Peer] | frozenset[Peer] = frozenset()

    def add(self, way: Way, topic: str, data: bytes) -> bool:
        """Add a message; do nothing, and return ``False``, where one of those who get it gets others another way."""
        messages = self._messages.get(way)
        if messages is None:
            if not self._members.isdisjoint(way.members):
                return False
            messages = self._messages[way] = [], []
            self._expect(way.members)
        messages[0].append(topic)
        messages[1].append(data)
        return True

    def _expect(self, members: frozenset[Peer]) -> None:
        """Take note of who gets something; the members of the first way, mostly the only one, are not copied."""
        if not self._members:
            self._members = members
        elif isinstance(self._members, set):
            self._members |= members
        else:
            self._members = {*self._members, *members}

    def deliver(self, number: int, effects: list[Effect]) -> int:
        """Deliver what was gathered, and forget it; return the number of the last message.

        :param number: of the last message before.
        :param effects: gets the deliveries.
        """
        messages, self._messages = self._messages, {}
        self._members = frozenset()
        tenant, utc = self._sender.tenant, self._moment.utc
        for way, (topics, data) in messages.items():
            payloads = replace(self._series.payloads, data=tuple(data))
            series = Series(number + 1, tenant, tuple(topics), payloads, self._sender, utc)
            effects += [DeliverBatch(stop.sessions, series, stop.pattern) for stop in way.stops]
            number += len(data)
        return number
