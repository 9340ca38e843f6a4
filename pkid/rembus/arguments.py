"""What is published or called with: a list of arguments, as clients of this protocol expect it.

A payload that came by another door is one argument, unless it is a list already or nothing at all.
"""

from __future__ import annotations

from pkid.broker.payload import Payload, PayloadKind
from pkid.errors import Malformed
from pkid.messaging.translation import as_cbor, as_json, write_json
from pkid.rembus.items import NULL, Major, array_content, elements, head, write_text

__all__ = ["cbor_arguments", "cbor_item", "json_arguments", "json_item", "preceded_cbor", "preceded_json"]

_ARRAYS = range(Major.ARRAY << 5, Major.MAP << 5)  # initial bytes


def cbor_arguments(payload: Payload) -> bytes:
    """Return arguments as CBOR; what came as CBOR stays as it is."""
    if payload.is_checked and payload.kind is PayloadKind.CBOR:
        return payload.data
    if _is_empty(payload):
        return head(Major.ARRAY, 0)
    item = cbor_item(payload)
    if payload.kind is PayloadKind.CBOR and item is payload.data:
        return item
    return item if item[0] in _ARRAYS else head(Major.ARRAY, 1) + item


def cbor_item(payload: Payload) -> bytes:
    """Return a payload as one item of CBOR; what says that it is one, and is not, as text or bytes."""
    if payload.is_checked and payload.kind is PayloadKind.CBOR:
        return payload.data
    return as_cbor(_as_it_is(payload))


def json_item(payload: Payload) -> bytes:
    """Return a payload as JSON; what says that it is CBOR, and is not, as text or bytes."""
    return as_json(_as_it_is(payload))


def json_arguments(payload: Payload) -> bytes:
    """Return arguments as JSON, an array or, by name, an object."""
    if _is_empty(payload) or payload.data == NULL:
        return b"[]"
    text = json_item(payload)
    named = text.startswith(b"{") and payload.kind is PayloadKind.CBOR
    return text if named or text.lstrip().startswith(b"[") else b"[" + text + b"]"


def preceded_cbor(first: str, payload: Payload) -> bytes:
    """Return arguments as CBOR, behind one more."""
    item = cbor_arguments(payload)
    if item[0] not in _ARRAYS:
        return head(Major.ARRAY, 2) + write_text(first) + item
    count, content = array_content(item)
    begin = head(Major.ARRAY, count + 1) if count is not None else item[:1]
    return begin + write_text(first) + content


def preceded_json(first: str, payload: Payload) -> bytes:
    """Return arguments as JSON, behind one more."""
    rest, text = json_arguments(payload).lstrip(), write_json(first)
    if rest.startswith(b"{"):
        return b"[%b,%b]" % (text, rest)
    content = rest[1:].lstrip()
    return b"[%b%b%b" % (text, b"" if content.startswith(b"]") else b",", content)


def _as_it_is(payload: Payload) -> Payload:
    """Return a payload, as text or bytes if it says that it is CBOR, and is not, or too much of it."""
    if payload.kind is PayloadKind.CBOR and not payload.is_checked:
        try:
            elements(head(Major.ARRAY, 1) + payload.data, 1)
        except Malformed:
            return Payload(PayloadKind.TEXT, payload.data)
    return payload


def _is_empty(payload: Payload) -> bool:
    return not payload.data and payload.kind in {PayloadKind.BYTES, PayloadKind.TEXT}
