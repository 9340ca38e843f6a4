"""Payloads for clients that cannot read the kind that was sent: as JSON, and as CBOR.

Pure. Whatever a payload holds, something can be read of it: what is not what its kind says is translated as text, and
what is no text either as bytes.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from math import isfinite
from typing import Any

import cbor2

from pkid.broker.payload import Payload, PayloadKind

__all__ = ["DEPTH", "MOST_ITEMS", "as_cbor", "as_json", "read_cbor", "read_json", "write_json"]

DEPTH = 64
"""How deep arrays, maps and tags may be nested."""

MOST_ITEMS = 1 << 16
"""How many items a payload may hold that is read item by item; each takes about a microsecond."""

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_LONGEST_INTEGER = 128  # bytes; beyond that, writing its digits would take its time


def as_json(payload: Payload) -> bytes:
    """Return a payload as JSON (RFC 8259), after RFC 8949, section 6.1: bytes as base64, tags by their content."""
    data = payload.data
    try:
        match payload.kind:
            case PayloadKind.JSON:
                value = read_json(data)
                return write_json(value) if b"NaN" in data or b"Infinity" in data else data  # no JSON, but read
            case PayloadKind.CBOR:
                return write_json(read_cbor(data))
    except ValueError:
        pass
    return write_json(_text_or_bytes(payload))


def as_cbor(payload: Payload) -> bytes:
    """Return a payload as one item of CBOR (RFC 8949); CBOR itself stays as it is, byte by byte."""
    if payload.kind is PayloadKind.CBOR:
        return payload.data
    if payload.kind is PayloadKind.JSON:
        try:
            return cbor2.dumps(read_json(payload.data))
        except ValueError:
            pass
    return cbor2.dumps(_text_or_bytes(payload))


def read_json(data: bytes | str) -> Any:
    """Return what JSON holds.

    :raises ValueError: when it is no JSON, is nested too deep, holds too many items or an integer of thousands of
        digits.
    """
    text = data if isinstance(data, str) else data.decode("utf-8")
    if _items(text) > MOST_ITEMS and _items(_STRING.sub("", text)) > MOST_ITEMS:
        raise ValueError("it holds too many items")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if text.count("[") + text.count("{") > DEPTH and _is_deeper(value, DEPTH):
        raise ValueError("nested too deep")
    return value


def write_json(value: object) -> bytes:
    """Return a value as JSON, in one line; what JSON does not know is written as something that it knows.

    :raises ValueError: when a text in it is not Unicode.
    """
    try:
        return _dump(value)
    except (TypeError, ValueError):  # keys that are no texts, numbers that are none
        return _dump(_plain(value))


def read_cbor(data: bytes) -> Any:
    """Return what one item of CBOR holds; of a tag, its content: no tag is ever acted on, but those of long integers.

    :raises ValueError: when it is none, is nested too deep or has a key that is neither text nor bytes.
    """
    try:
        return cbor2.loads(data, semantic_decoders=_TAGS, max_depth=DEPTH, strict_hashable_types=True)
    except cbor2.CBORError as error:
        raise ValueError(str(error)) from None


class _Tags(dict[int, Callable[[Any, bool], object]]):
    """What becomes of tagged items: by their content alone where there is no entry."""

    def __missing__(self, tag: int) -> Callable[[Any, bool], object]:
        return _content


def _content(value: Any, immutable: bool) -> object:
    return value


def _positive(value: Any, immutable: bool) -> object:
    short = isinstance(value, bytes) and len(value) <= _LONGEST_INTEGER
    return int.from_bytes(value, "big") if short else value


def _negative(value: Any, immutable: bool) -> object:
    positive = _positive(value, immutable)
    return -1 - positive if isinstance(positive, int) else value


_TAGS = _Tags({2: _positive, 3: _negative})


def _text_or_bytes(payload: Payload) -> str | bytes:
    if payload.kind is PayloadKind.BYTES:
        return payload.data
    try:
        return payload.data.decode("utf-8")
    except UnicodeDecodeError:
        return payload.data


def _dump(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    return text.encode("utf-8")


def _plain(value: Any) -> object:
    """Return what stands for a value in JSON."""
    match value:
        case dict():
            return {_key(key): _plain(content) for key, content in value.items()}
        case list() | tuple():
            return [_plain(content) for content in value]
        case bytes():
            return b64encode(value).decode("ascii")
        case bool() | int() | str():
            return value
        case float() if isfinite(value):
            return value
        case _:
            return None


def _key(key: object) -> str:
    return key if isinstance(key, str) else str(_plain(key))


def _items(text: str) -> int:
    """Return about how many items there are in JSON, or more."""
    return text.count(",") + text.count("[") + text.count("{")


def _is_deeper(value: Any, depth: int) -> bool:
    """Tell whether a value is nested deeper than so many levels, level by level."""
    level = [value]
    for _ in range(depth + 1):
        containers = [content for content in level if isinstance(content, dict | list)]
        level = [
            content
            for container in containers
            for content in (container.values() if isinstance(container, dict) else container)
        ]
        if not containers:
            return False
    return True
