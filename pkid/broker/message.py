"""What travels through the broker: messages, calls and answers, and the time they are stamped with."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from pkid.broker.identity import Identity
from pkid.broker.payload import Payloads
from pkid.broker.topic import Segments, read_topic
from pkid.broker.values import value

__all__ = ["Batch", "Invocation", "Message", "Moment", "QoS", "Series"]


@value
class Moment:
    """One instant on two clocks."""

    monotonic: float
    """Seconds of a clock that only goes forward, for whatever waits."""
    utc: float
    """Seconds since the epoch, for whatever is kept."""


class QoS(IntEnum):
    """How often a message arrives."""

    AT_MOST_ONCE = 0
    AT_LEAST_ONCE = 1
    EXACTLY_ONCE = 2


@value
class Message:
    """Something published."""

    number: int
    """The broker's own number for it, higher than that of any message before; what subscribers acknowledge."""
    tenant: str
    topic: str
    segments: Segments
    payload: object
    """What the doors make of it; the broker never looks in."""
    size: int
    """Bytes that it takes while it waits."""
    qos: QoS
    sender: Identity
    """Who published it, as the broker knows it."""
    received_at: float
    """When it came, seconds since the epoch."""
    slot: int | None = None
    """A 32-bit mark of the publisher's, passed on and kept; it routes nothing."""


class Batch(NamedTuple):
    """Messages of one publisher on one topic that came together."""

    number: int
    """Of the first; the others have those that follow."""
    tenant: str
    topic: str
    segments: Segments
    payloads: Payloads
    sender: Identity
    received_at: float
    qos: QoS = QoS.AT_MOST_ONCE

    @property
    def messages(self) -> Iterator[Message]:
        """The messages one by one."""
        number, tenant, topic, segments, payloads, sender, received_at, qos = self
        for place, payload in enumerate(payloads, number):
            size = len(payload.data)
            yield Message(place, tenant, topic, segments, payload, size, qos, sender, received_at)


class Series(NamedTuple):
    """Messages of one publisher on several topics that came together; none of them is to be acknowledged."""

    number: int
    """Of the first; the others have those that follow."""
    tenant: str
    topics: tuple[str, ...]
    """Of each, in order."""
    payloads: Payloads
    sender: Identity
    received_at: float

    @property
    def messages(self) -> Iterator[Message]:
        """The messages one by one."""
        number, tenant, topics, payloads, sender, received_at = self
        for place, (topic, payload) in enumerate(zip(topics, payloads, strict=True), number):
            size, segments, once = len(payload.data), read_topic(topic), QoS.AT_MOST_ONCE
            yield Message(place, tenant, topic, segments, payload, size, once, sender, received_at)


@value
class Invocation:
    """A call on its way to the exposer that is to answer it."""

    number: int
    """The broker's own number for it; what the exposer answers to."""
    topic: str
    payload: object
    size: int
    caller: Identity
    """Who calls, as the broker knows it."""
    deadline: float
    """Until when an answer is of use, in seconds of the monotonic clock."""
