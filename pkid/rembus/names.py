"""Names as clients of this protocol write them, and ids that stand for messages."""

from __future__ import annotations

from pkid.broker.message import Batch, Message, QoS

__all__ = ["Numbering", "component_of", "has_slot"]

_MARK = 1 << 63
_SLOT_BITS = 32
_LOW = (1 << 31) - 1


def component_of(cid: str) -> str:
    """Return a component's name: some clients say it alone, some as the path of their broker's address."""
    _, is_address, rest = cid.partition("://")
    return rest.partition("/")[2] if is_address else cid


def has_slot(id: int) -> bool:
    """Tell whether the id of a message on its way to a subscriber has a slot in it; else it is the message's number."""
    return id >= _MARK


class Numbering:
    """Which packet's id stands for which message, the same for all connections of a door.

    It is the message's number. In the id of a message with a slot the low 32 bits are the slot; above them there is
    room for the low 31 bits of the number, and the others follow from the newest message.
    """

    def __init__(self) -> None:
        self._newest = 0

    def id_of(self, message: Message) -> int:
        """Return the id of a message on its way to a subscriber."""
        if message.number > self._newest:
            self._newest = message.number
        if message.slot is None:
            return 0 if message.qos is QoS.AT_MOST_ONCE else message.number
        if message.qos is QoS.AT_MOST_ONCE:
            return message.slot
        return _MARK | (message.number & _LOW) << _SLOT_BITS | message.slot

    def ids_of(self, batch: Batch) -> range:
        """Return the ids of a batch's messages on their way to a subscriber who is to acknowledge them."""
        end = batch.number + len(batch.payloads)
        self._newest = max(self._newest, end - 1)
        return range(batch.number, end)

    def number_of(self, id: int) -> int:
        """Return the number of the message that a subscriber acknowledges."""
        if not has_slot(id):
            return id
        low = id >> _SLOT_BITS & _LOW
        return self._newest - ((self._newest - low) & _LOW)
