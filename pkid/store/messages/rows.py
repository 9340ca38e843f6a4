"""Messages as rows, and back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from pkid.broker.identity import Identity
from pkid.broker.message import Message, QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.topic import SEPARATOR

__all__ = ["message_of", "row_of"]


def row_of(message: Message) -> tuple[object, ...]:
    """Return the row for a message, in the order of its columns.

    :raises TypeError: when its payload is not a :class:`~pkid.broker.payload.Payload`.
    """
    payload = message.payload
    if not isinstance(payload, Payload):
        raise TypeError("only payloads of bytes with a kind can be stored")
    sender = message.sender
    return (
        message.number, message.tenant, message.topic, message.received_at, message.size, int(message.qos),
        message.slot, sender.component, sender.authenticated, payload.kind.value, payload.data,
    )  # fmt: skip


def message_of(row: Row[Any]) -> Message:
    """Return the message of a row."""
    return Message(
        number=row.number,
        tenant=row.tenant,
        topic=row.topic,
        segments=tuple(row.topic.split(SEPARATOR)),
        payload=Payload(PayloadKind(row.kind), row.payload),
        size=row.size,
        qos=QoS(row.qos),
        sender=Identity(row.sender, row.proven, row.tenant),
        received_at=row.received_at,
        slot=row.slot,
    )
