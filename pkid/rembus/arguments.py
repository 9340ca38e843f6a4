"""What is published or called with: a list of arguments, as clients of this protocol expect it.

A payload that came by another door is one argument, unless it is a list already or nothing at all.
"""

from __future__ import annotations

import json

from pkid.broker.payload import Payload, PayloadKind
from pkid.messaging.translation import as_cbor, as_json
from pkid.rembus.items import NULL, Major, array_content, head, write_text

__all__ = ["cbor_arguments", "json_arguments", "preceded_cbor", "preceded_json"]

_ARRAYS = range(Major.ARRAY << 5, Major.MAP << 5)  # initial bytes


def cbor_arguments(payload: Payload) -> bytes:
    """Return arguments as CBOR; what came as CBOR stays as it is."""
    if payload.kind is PayloadKind.CBOR:
        return payload.data
    if _is_empty(payload):
        return head(Major.ARRAY, 0)
    item = as_cbor(payload)
    return item if item[0] in _ARRAYS else head(Major.ARRAY, 1) + item


def json_arguments(payload: Payload) -> bytes:
    """Return arguments as JSON, an array or, by name, an object."""
    if _is_empty(payload) or payload.data == NULL:
        return b"[]"
    text = as_json(payload)
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
    rest = json.loads(json_arguments(payload))
    arguments = [first, *rest] if isinstance(rest, list) else [first, rest]
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _is_empty(payload: Payload) -> bool:
    return not payload.data and payload.kind in {PayloadKind.BYTES, PayloadKind.TEXT}
