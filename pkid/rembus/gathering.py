"""Packets of one client that come together and are one command: publications on one topic, or acknowledgements.

Pure. What is gathered waits for nothing: it is made a command before the turn in which it was read ends.
"""

from __future__ import annotations

from pkid.broker.commands import Acknowledge, AcknowledgeBatch, Command, Publish, PublishBatch
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind, Payloads
from pkid.rembus.names import has_slot
from pkid.rembus.packets import Ack, Packet, Publication

__all__ = ["GATHERED", "Gathering"]

GATHERED: frozenset[type[Packet]] = frozenset({Publication, Ack})
"""The types of packets that may be gathered."""


class Gathering:
    """Gathers packets of one kind: publications that arrive equally often on one topic, or acknowledgements.

    :ivar has_begun: whether anything is there.
    """

    __slots__ = ("_ids", "_payloads", "_qos", "_topic", "has_begun")

    def __init__(self) -> None:
        self.has_begun = False
        self._topic = ""
        self._qos = QoS.AT_MOST_ONCE
        self._payloads: list[bytes] = []
        self._ids: list[int] = []
        """Of publications at least once, or, where there are no payloads, of the messages that are acknowledged."""

    def add(self, packet: Packet) -> bool:
        """Add a packet to those that are there, or begin with it; tell whether it is of their kind."""
        if isinstance(packet, Publication):
            return self._add_publication(packet)
        if isinstance(packet, Ack) and not self._payloads and not has_slot(packet.id):
            self._ids.append(packet.id)
            self.has_begun = True
            return True
        return False

    def finish(self) -> Command:
        """Return what does the same as all that is there, one by one, and begin anew."""
        self.has_begun = False
        payloads, ids = tuple(self._payloads), tuple(self._ids)
        self._payloads.clear()
        self._ids.clear()
        if len(payloads) > 1:
            return PublishBatch(None, self._topic, Payloads(PayloadKind.CBOR, payloads, are_checked=True), ids)
        if payloads:
            payload = Payload(PayloadKind.CBOR, payloads[0], True)
            return Publish(ids[0] if ids else None, self._topic, payload, len(payload.data), self._qos)
        if len(ids) > 1:
            return AcknowledgeBatch(None, ids)
        return Acknowledge(None, ids[0])

    def _add_publication(self, packet: Publication) -> bool:
        topic, qos = packet.topic, packet.qos
        if packet.slotted or qos is QoS.EXACTLY_ONCE:
            return False
        if self._payloads:
            if topic != self._topic or qos is not self._qos:
                return False
        elif self._ids:
            return False
        else:
            self._topic, self._qos, self.has_begun = topic, qos, True
        self._payloads.append(packet.data.data)
        if qos is not QoS.AT_MOST_ONCE:
            self._ids.append(packet.id)
        return True
