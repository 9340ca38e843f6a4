"""Packets in CBOR as they are mostly written: the first elements, all texts and the id in as few bytes as possible.

Most of what comes is a publication, a call or an answer. Where one is written in another way, or not well, nothing is
returned, and it is read by its elements.
"""

from __future__ import annotations

from collections.abc import Callable

from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.rembus.items import NULL, is_rest
from pkid.rembus.packets import Ack, Kind, Packet, Publication, Request, Response

__all__ = ["SHORT_FORMS"]

_CBOR = PayloadKind.CBOR
_SHORTEST_TEXT = 0x60
_BEHIND_ID = 3 + 8  # bytes
_BEHIND_STATUS = _BEHIND_ID + 1
_NULL = NULL[0]
_integer = int.from_bytes


def _publication(data: bytes) -> Packet | None:
    return _rest_of_publication(data, 2, 0, QoS.AT_MOST_ONCE)


def _numbered_publication(data: bytes) -> Packet | None:
    id = int.from_bytes(data[3:_BEHIND_ID], "little")
    return _rest_of_publication(data, _BEHIND_ID, id, QoS.AT_LEAST_ONCE)


def _rest_of_publication(data: bytes, position: int, id: int, qos: QoS) -> Packet | None:
    try:
        topic, position = _text_at(data, position)
    except (IndexError, ValueError):
        return None
    return Publication(id, topic, Payload(_CBOR, data[position:], True), qos) if is_rest(data, position) else None


def _request(data: bytes) -> Packet | None:
    target = None
    try:
        topic, position = _text_at(data, _BEHIND_ID)
        if data[position] != _NULL:
            target, position = _text_at(data, position)
        else:
            position += 1
    except (IndexError, ValueError):
        return None
    if not is_rest(data, position):
        return None
    return Request(_integer(data[3:_BEHIND_ID], "little"), topic, target, Payload(_CBOR, data[position:], True))


def _response(data: bytes) -> Packet | None:
    if len(data) <= _BEHIND_STATUS or data[_BEHIND_ID] >= 24 or not is_rest(data, _BEHIND_STATUS):
        return None
    id = _integer(data[3:_BEHIND_ID], "little")
    return Response(id, data[_BEHIND_ID], Payload(_CBOR, data[_BEHIND_STATUS:], True))


def _ack(data: bytes) -> Packet | None:
    return Ack(int.from_bytes(data[3:], "little")) if len(data) == _BEHIND_ID else None


SHORT_FORMS: dict[bytes, Callable[[bytes], Packet | None]] = {
    **{bytes((0x83, Kind.PUBLICATION, first)): _publication for first in range(_SHORTEST_TEXT, _SHORTEST_TEXT + 25)},
    b"\x84\x11\x48": _numbered_publication,
    b"\x85\x02\x48": _request,
    b"\x84\x04\x48": _response,
    b"\x82\x05\x48": _ack,
}
"""What reads a message that begins with these bytes."""


def _text_at(data: bytes, position: int) -> tuple[str, int]:
    """Return the text at a position, and where it ends; its length takes a byte at most.

    :raises IndexError: when the data ends before it begins.
    :raises ValueError: when it is something else, or not UTF-8.
    """
    length = data[position] - _SHORTEST_TEXT
    begin = position + 1
    if length == 24:
        length, begin = data[begin], begin + 1
    elif not 0 <= length < 24:
        raise ValueError("it is no short text")
    end = begin + length
    return data[begin:end].decode(), end
