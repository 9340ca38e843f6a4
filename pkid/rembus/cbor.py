"""Packets as arrays of CBOR: the first element says what the others are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

import cbor2

from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.errors import Malformed, Reason
from pkid.messaging.translation import read_cbor
from pkid.rembus.arguments import cbor_arguments, cbor_item
from pkid.rembus.items import (
    NULL,
    Major,
    elements,
    head,
    read_bytes,
    read_text,
    read_unsigned,
    write_bytes,
    write_text,
)
from pkid.rembus.packets import (
    NOTHING,
    Ack,
    Ack2,
    Admin,
    Attestation,
    Identity,
    Kind,
    Packet,
    Publication,
    Register,
    Request,
    Response,
    Unregister,
)
from pkid.rembus.short_forms import SHORT_FORMS

__all__ = [
    "CBOR",
    "Cbor",
    "acknowledgement",
    "decode",
    "decode_any",
    "numbered_publication",
    "numbered_publications",
    "publication",
    "request",
    "response",
]

_MOST_ELEMENTS = 6
_ID_SIZE = 8  # bytes, the lowest first
_KIND, _SLOT = 0x0F, 0x40
_FLAGS = {QoS.AT_MOST_ONCE: 0x00, QoS.AT_LEAST_ONCE: 0x10, QoS.EXACTLY_ONCE: 0x30}
_QOS = {flag: qos for qos, flag in _FLAGS.items()}
_LONGEST_COMMAND = 1 << 16  # bytes of an admin's data, which alone is decoded


def decode(data: bytes) -> Packet:
    """Return the packet that a message holds; payloads stay as they are written.

    :raises Malformed: ``bad-message``.
    """
    short = SHORT_FORMS.get(data[:3])
    packet = short(data) if short is not None else None
    return packet if packet is not None else decode_any(data)


def decode_any(data: bytes) -> Packet:
    """Return the packet that a message holds, in whichever form its elements are written.

    :raises Malformed: ``bad-message``.
    """
    parts = elements(data, _MOST_ELEMENTS)
    first = read_unsigned(parts[0])
    try:
        reader = _READERS[first & _KIND]
        if first > _KIND and reader is not _publication:
            raise _unreadable("only publications have flags")
        return reader(parts, first & ~_KIND)
    except (IndexError, KeyError, ValueError):
        raise _unreadable("an element is missing or wrong") from None


class Cbor:
    """Writes packets as CBOR."""

    def encode(self, packet: Packet) -> bytes:
        """Return a packet in its canonical form."""
        return _WRITERS[type(packet)](packet)


CBOR = Cbor()


def publication(topic: str, arguments: bytes) -> bytes:
    """Return a publication that needs no acknowledgement, with arguments that are encoded already."""
    return b"\x83\x01" + _topic(topic) + arguments


def numbered_publication(packet: Publication, arguments: bytes) -> bytes:
    """Return a publication that has an id, with arguments that are encoded already."""
    begin = _NUMBERED[packet.qos, packet.slotted]
    return b"".join((begin, packet.id.to_bytes(_ID_SIZE, "little"), _topic(packet.topic), arguments))


def numbered_publications(ids: Iterable[int], topic: str, arguments: Iterable[bytes]) -> list[bytes]:
    """Return publications on one topic that have ids and are to arrive at least once."""
    begin, topic_item = _NUMBERED[QoS.AT_LEAST_ONCE, False], _topic(topic)
    pairs = zip(ids, arguments, strict=True)
    return [begin + id.to_bytes(_ID_SIZE, "little") + topic_item + each for id, each in pairs]


def acknowledgement(id: int) -> bytes:
    """Return the acknowledgement of a publication."""
    return _ACK + id.to_bytes(_ID_SIZE, "little")


def request(id: int, topic: str, arguments: bytes) -> bytes:
    """Return a call of nobody in particular, with arguments that are encoded already."""
    return _REQUEST + id.to_bytes(_ID_SIZE, "little") + _topic(topic) + NULL + arguments


def response(id: int, status: int, item: bytes) -> bytes:
    """Return the answer to a request, with what it holds encoded already."""
    return _RESPONSE + id.to_bytes(_ID_SIZE, "little") + _number(status) + item


# Reading


def _read_id(parts: list[bytes]) -> int:
    data = read_bytes(parts[1])
    if len(data) != _ID_SIZE:
        raise _unreadable("an id has 8 bytes")
    return int.from_bytes(data, "little")


def _payload(element: bytes) -> Payload:
    return Payload(PayloadKind.CBOR, element, True)


def _publication(parts: list[bytes], flags: int) -> Packet:
    if not flags:
        _, topic, data = parts
        return Publication(0, read_text(topic), _payload(data))
    _, _, topic, data = parts
    if flags & ~(_SLOT | 0x30):
        raise _unreadable("the flags of a publication are unknown")
    return Publication(_read_id(parts), read_text(topic), _payload(data), _QOS[flags & 0x30], bool(flags & _SLOT))


def _request(parts: list[bytes], flags: int) -> Packet:
    _, _, topic, target, data = parts
    return Request(_read_id(parts), read_text(topic), None if target == NULL else read_text(target), _payload(data))


def _admin(parts: list[bytes], flags: int) -> Packet:
    _, _, topic, data = parts
    if len(data) > _LONGEST_COMMAND:
        raise _unreadable("a command is too long")
    return Admin(_read_id(parts), read_text(topic), read_cbor(data))


def _response(parts: list[bytes], flags: int) -> Packet:
    data = _payload(parts[3]) if len(parts) > 3 else NOTHING
    return Response(_read_id(parts), read_unsigned(parts[2]), data)


def _register(parts: list[bytes], flags: int) -> Packet:
    _, _, cid, pin, key, key_type = parts
    return Register(_read_id(parts), read_text(cid), read_text(pin), _read_key(key), read_unsigned(key_type))


def _read_key(element: bytes) -> bytes:
    """Return a public key, which some clients wrap into a tag."""
    key = read_cbor(element)
    if not isinstance(key, bytes):
        raise _unreadable("a key is missing")
    return key


_READERS: dict[int, Callable[[list[bytes], int], Packet]] = {
    Kind.IDENTITY: lambda parts, flags: Identity(_read_id(parts), read_text(parts[2])),
    Kind.PUBLICATION: _publication,
    Kind.REQUEST: _request,
    Kind.ADMIN: _admin,
    Kind.RESPONSE: _response,
    Kind.ACK: lambda parts, flags: Ack(_read_id(parts)),
    Kind.ACK2: lambda parts, flags: Ack2(_read_id(parts)),
    Kind.UNREGISTER: lambda parts, flags: Unregister(_read_id(parts)),
    Kind.REGISTER: _register,
    Kind.ATTESTATION: lambda parts, flags: Attestation(_read_id(parts), read_text(parts[2]), read_bytes(parts[3])),
}


# Writing


_topic = lru_cache(1024)(write_text)


def _begin(kind: int, size: int) -> bytes:
    """Return the first elements of an array of so many, up to the id's bytes."""
    return head(Major.ARRAY, size) + head(Major.UNSIGNED, kind) + head(Major.BYTES, _ID_SIZE)


_NUMBERED = {
    (qos, slotted): _begin(Kind.PUBLICATION | flag | (_SLOT if slotted else 0), 4)
    for qos, flag in _FLAGS.items()
    for slotted in (False, True)
}
_ACK, _REQUEST, _RESPONSE = _begin(Kind.ACK, 2), _begin(Kind.REQUEST, 5), _begin(Kind.RESPONSE, 4)
_number = lru_cache(256)(partial(head, Major.UNSIGNED))
_BEGINS = {(kind, more): _begin(kind, 2 + more) for kind in Kind for more in range(_MOST_ELEMENTS - 1)}


def _array(kind: Kind, packet: Packet, *rest: bytes) -> bytes:
    return b"".join((_BEGINS[kind, len(rest)], packet.id.to_bytes(_ID_SIZE, "little"), *rest))


def _write_publication(packet: Publication) -> bytes:
    arguments = cbor_arguments(packet.data)
    if packet.qos is QoS.AT_MOST_ONCE and not packet.slotted:
        return publication(packet.topic, arguments)
    return numbered_publication(packet, arguments)


def _write_request(packet: Request) -> bytes:
    if packet.target is None:
        return request(packet.id, packet.topic, cbor_arguments(packet.data))
    target = write_text(packet.target)
    return _array(Kind.REQUEST, packet, _topic(packet.topic), target, cbor_arguments(packet.data))


def _write_register(packet: Register) -> bytes:
    name = (write_text(packet.cid), write_text(packet.pin))
    return _array(Kind.REGISTER, packet, *name, write_bytes(packet.key), head(Major.UNSIGNED, packet.key_type))


def _write_attestation(packet: Attestation) -> bytes:
    return _array(Kind.ATTESTATION, packet, write_text(packet.cid), write_bytes(packet.signature), _NO_META)


_NO_META = head(Major.MAP, 0)

_WRITERS: dict[type[Packet], Callable[[Any], bytes]] = {
    Identity: lambda packet: _array(Kind.IDENTITY, packet, write_text(packet.cid), _NO_META),
    Publication: _write_publication,
    Request: _write_request,
    Admin: lambda packet: _array(Kind.ADMIN, packet, write_text(packet.topic), cbor2.dumps(packet.data)),
    Response: lambda packet: response(packet.id, packet.status, cbor_item(packet.data)),
    Ack: lambda packet: acknowledgement(packet.id),
    Ack2: lambda packet: _array(Kind.ACK2, packet),
    Unregister: lambda packet: _array(Kind.UNREGISTER, packet),
    Register: _write_register,
    Attestation: _write_attestation,
}


def _unreadable(what: str) -> Malformed:
    return Malformed(Reason.BAD_MESSAGE, what)
