"""Deliveries as bytes on the wire, for each encoding and framing; made once for all clients that share one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from pkid.broker.message import Batch, Invocation, Message, QoS, Series
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.replies import Answered
from pkid.broker.topic import Pattern
from pkid.messaging.interfaces import Dialect
from pkid.rembus.arguments import cbor_arguments, cbor_item, json_arguments, preceded_cbor, preceded_json
from pkid.rembus.cbor import (
    Cbor,
    acknowledgement,
    numbered_publication,
    numbered_publications,
    publication,
    request,
    response,
)
from pkid.rembus.jsonrpc import JsonRpc
from pkid.rembus.names import Numbering
from pkid.rembus.packets import Ack, Packet, Publication, Request, Response, Status

__all__ = ["CborDialect", "JsonDialect", "RembusDialect"]

_STATUSES = Status.OK, Status.METHOD_EXCEPTION  # of answers, and of those that tell what went wrong

Frame = Callable[[bytes], bytes]
"""Puts a message into its frame."""


class RembusDialect(Dialect, Protocol):
    """How one kind of client of this door is written to."""

    def packet(self, packet: Packet) -> bytes:
        """Return a packet as it goes over the wire."""

    def acknowledgements(self, ids: Iterable[int]) -> bytes:
        """Return the acknowledgements of publications as they go over the wire."""

    def request(self, invocation: Invocation) -> bytes:
        """Return a call as its exposer is asked it."""

    def answer(self, answered: Answered) -> bytes:
        """Return the answer to a call as its caller gets it."""


class CborDialect:
    """Packets in CBOR, each in a frame.

    :param numbering: which ids stand for which messages.
    """

    def __init__(self, codec: Cbor, frame: Frame, numbering: Numbering) -> None:
        self._codec = codec
        self._frame = frame
        self._numbering = numbering

    def packet(self, packet: Packet) -> bytes:
        """Return a packet as it goes over the wire."""
        return self._frame(self._codec.encode(packet))

    def acknowledgements(self, ids: Iterable[int]) -> bytes:
        """Return the acknowledgements of publications as they go over the wire."""
        return b"".join(map(self._frame, map(acknowledgement, ids)))

    def request(self, invocation: Invocation) -> bytes:
        """Return a call as its exposer is asked it."""
        payload: Any = invocation.payload
        return self._frame(request(invocation.number, invocation.topic, cbor_arguments(payload)))

    def answer(self, answered: Answered) -> bytes:
        """Return the answer to a call as its caller gets it."""
        id: Any = answered.request
        payload: Any = answered.payload
        return self._frame(response(id, _STATUSES[answered.failed], cbor_item(payload)))

    def encode(self, message: Message, pattern: Pattern | None, again: bool) -> bytes:
        """Return a delivery as it goes over the wire; through a pattern, the topic is the first argument."""
        payload = message.payload
        assert isinstance(payload, Payload)
        if pattern is not None:
            return self._frame(publication(pattern.text, preceded_cbor(message.topic, payload)))
        arguments = cbor_arguments(payload)
        if message.qos is QoS.AT_MOST_ONCE and message.slot is None:
            return self._frame(publication(message.topic, arguments))
        return self._frame(numbered_publication(_delivered(message, payload, self._numbering), arguments))

    def encode_batch(self, batch: Batch | Series, pattern: Pattern | None) -> bytes:
        """Return the deliveries of a batch or series as they go over the wire."""
        payloads, frame = batch.payloads, self._frame
        plain = pattern is None and payloads.are_checked and payloads.kind is PayloadKind.CBOR
        if plain and isinstance(batch, Batch):
            if batch.qos is not QoS.AT_MOST_ONCE:
                ids = self._numbering.ids_of(batch)
                return b"".join(map(frame, numbered_publications(ids, batch.topic, payloads.data)))
            begin = publication(batch.topic, b"")
            return b"".join([frame(begin + data) for data in payloads.data])
        return b"".join(self.encode(message, pattern, False) for message in batch.messages)


class JsonDialect:
    """Packets in JSON-RPC, each in a frame.

    :param numbering: which ids stand for which messages.
    """

    def __init__(self, codec: JsonRpc, frame: Frame, numbering: Numbering) -> None:
        self._codec = codec
        self._frame = frame
        self._numbering = numbering

    def packet(self, packet: Packet) -> bytes:
        """Return a packet as it goes over the wire."""
        return self._frame(self._codec.encode(packet))

    def acknowledgements(self, ids: Iterable[int]) -> bytes:
        """Return the acknowledgements of publications as they go over the wire."""
        return b"".join([self.packet(Ack(id)) for id in ids])

    def request(self, invocation: Invocation) -> bytes:
        """Return a call as its exposer is asked it."""
        payload: Any = invocation.payload
        return self.packet(Request(invocation.number, invocation.topic, None, payload))

    def answer(self, answered: Answered) -> bytes:
        """Return the answer to a call as its caller gets it."""
        id: Any = answered.request
        payload: Any = answered.payload
        return self.packet(Response(id, _STATUSES[answered.failed], payload))

    def encode(self, message: Message, pattern: Pattern | None, again: bool) -> bytes:
        """Return a delivery as it goes over the wire; through a pattern, the topic is the first argument."""
        payload = message.payload
        assert isinstance(payload, Payload)
        if pattern is not None:
            delivered = Publication(0, pattern.text, payload)
            return self._frame(self._codec.publication(delivered, preceded_json(message.topic, payload)))
        delivered = _delivered(message, payload, self._numbering)
        return self._frame(self._codec.publication(delivered, json_arguments(payload)))

    def encode_batch(self, batch: Batch | Series, pattern: Pattern | None) -> bytes:
        """Return the deliveries of a batch or series as they go over the wire."""
        return b"".join(self.encode(message, pattern, False) for message in batch.messages)


def _delivered(message: Message, payload: Payload, numbering: Numbering) -> Publication:
    id = numbering.id_of(message)
    return Publication(id, message.topic, payload, message.qos, message.slot is not None)
