"""Items of CBOR (RFC 8949) as they lie in a message: where each ends, and whether it is well-formed.

Nothing inside a payload is decoded, so that it is passed on byte by byte, takes no more memory than it has bytes, and
no tag or key of a stranger is ever acted on. A library would decode whole messages.
"""

from __future__ import annotations

from enum import IntEnum

from pkid.errors import Malformed, Reason
from pkid.messaging.translation import DEPTH, MOST_ITEMS

__all__ = [
    "NULL",
    "Major",
    "array_content",
    "elements",
    "head",
    "is_rest",
    "read_bytes",
    "read_text",
    "read_unsigned",
    "write_bytes",
    "write_text",
]


class Major(IntEnum):
    """The major types (section 3.1)."""

    UNSIGNED = 0
    NEGATIVE = 1
    BYTES = 2
    TEXT = 3
    ARRAY = 4
    MAP = 5
    TAG = 6
    SIMPLE = 7


NULL = b"\xf6"

_BYTES, _TEXT, _ARRAY, _MAP, _SIMPLE = 2, 3, 4, 5, 7  # of `Major`, but compared for each item
_MEDIUM = _BYTES << 5 | 24  # initial byte of bytes whose length takes one byte
_WORD = _TEXT << 5  # initial byte of an empty text; short ones have those that follow
_ARGUMENTS = _ARRAY << 5  # initial byte of an empty array; short ones have those that follow
_BREAK = 0xFF
_INDEFINITE = -1
_ARGUMENT_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}


def _leaf(initial: int) -> int:
    """Return how long an item with this initial byte is, or 0 when that must be looked at more closely."""
    major, detail = initial >> 5, initial & 31
    size = 1 + _ARGUMENT_SIZES.get(detail, 0)
    if major in {Major.UNSIGNED, Major.NEGATIVE}:
        return size if detail <= 27 else 0
    if major == Major.BYTES and detail < 24:
        return size + detail
    if major in {Major.TEXT, Major.ARRAY, Major.MAP} and detail == 0:
        return size
    if major == Major.SIMPLE and detail <= 27 and detail != 24:
        return size
    return 0


class _Allowance:
    """How many more items there may be: each takes its time, and nobody else is served meanwhile."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MOST_ITEMS

    def take(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise _unreadable("it holds too many items")


_SHORT_HEADS = tuple(bytes((initial,)) for initial in range(256))
_LEAVES = bytes(_leaf(initial) for initial in range(256))


def elements(data: bytes, most: int) -> list[bytes]:
    """Return the elements of an array, each well-formed, as they are written.

    :param most: how many elements the array may have.
    :raises Malformed: ``bad-message`` when *data* is not one such array and nothing else.
    """
    try:
        return _split(data, most)
    except (IndexError, UnicodeDecodeError):
        raise _unreadable("it is no CBOR") from None


def is_rest(data: bytes, position: int) -> bool:
    """Tell whether what follows a position is one well-formed item and nothing else.

    :raises Malformed: ``bad-message`` when it is nested too deep, or holds too much.
    """
    try:
        initial, size = data[position], len(data)
        if _ARGUMENTS < initial < _ARGUMENTS + 24 and size <= MOST_ITEMS:
            return size == _end_of_items(data, position + 1, initial - _ARGUMENTS, DEPTH - 1, None)
        length = _LEAVES[initial]
        return size == (position + length if length else _end(data, position, DEPTH, _allowance(data)))
    except (IndexError, UnicodeDecodeError):
        return False


def read_unsigned(element: bytes) -> int:
    """Return an integer that is not negative, in however many bytes it is written.

    :raises Malformed: ``bad-message`` when it is something else.
    """
    if element[0] < 24:
        return element[0]
    major, value, _ = _read_head(element, 0)
    if major != Major.UNSIGNED:
        raise _unreadable("a number is missing")
    return value


def read_text(element: bytes) -> str:
    """Return a text.

    :raises Malformed: ``bad-message`` when it is something else.
    """
    return _string(element, Major.TEXT).decode("utf-8")


def read_bytes(element: bytes) -> bytes:
    """Return a byte string.

    :raises Malformed: ``bad-message`` when it is something else.
    """
    return _string(element, Major.BYTES)


def array_content(element: bytes) -> tuple[int | None, bytes]:
    """Return how many elements an array says that it has, ``None`` for a stream of them, and the elements."""
    _, count, position = _read_head(element, 0)
    return None if count == _INDEFINITE else count, element[position:]


def head(major: Major, argument: int) -> bytes:
    """Return an item's type and argument in as few bytes as they take (section 4.2.1)."""
    if argument < 24:
        return _SHORT_HEADS[major << 5 | argument]
    for detail, size in _ARGUMENT_SIZES.items():
        if argument < 1 << 8 * size:
            return bytes((major << 5 | detail,)) + argument.to_bytes(size, "big")
    raise ValueError("the argument takes more than 8 bytes")


def write_text(text: str) -> bytes:
    """Return a text as an item."""
    encoded = text.encode("utf-8")
    return head(Major.TEXT, len(encoded)) + encoded


def write_bytes(data: bytes) -> bytes:
    """Return a byte string as an item."""
    return head(Major.BYTES, len(data)) + data


def _split(data: bytes, most: int) -> list[bytes]:
    major, count, position = _read_head(data, 0)
    if major != Major.ARRAY or not 0 < count <= most:
        raise _unreadable("it is no array of the right length")
    found, allowance = [], _allowance(data)
    for _ in range(count):
        start, length = position, _LEAVES[data[position]]
        position = position + length if length else _end(data, position, DEPTH, allowance)
        found.append(data[start:position])
    if position != len(data):
        raise _unreadable("it does not end where its array ends")
    return found


def _end(data: bytes, position: int, depth: int, allowance: _Allowance | None) -> int:
    """Return where a well-formed item ends that is no leaf; that may be beyond the end of the data.

    :param allowance: ``None`` when the data is too short to hold too much.
    :raises IndexError: when it goes on after the end of the data.
    :raises UnicodeDecodeError: when a text is not UTF-8.
    :raises Malformed: ``bad-message`` when it is not well-formed, nested too deep, or holds too much.
    """
    initial = data[position]
    major, argument = initial >> 5, initial & 31
    position += 1
    if argument >= 24:
        major, argument, position = _read_head(data, position - 1)
    if major == _TEXT and argument != _INDEFINITE:
        data[position : position + argument].decode("utf-8")
    if major == _BYTES or major == _TEXT:
        chunked = argument == _INDEFINITE
        return _end_of_chunks(data, position, major, allowance) if chunked else position + argument
    if major == _SIMPLE:
        return position
    if depth == 0:
        raise _unreadable("it is nested too deep")
    if argument == _INDEFINITE:
        return _end_of_stream(data, position, 2 if major == _MAP else 1, depth - 1, allowance)
    return _end_of_items(data, position, _contents(major, argument), depth - 1, allowance)


def _end_of_items(data: bytes, position: int, count: int, depth: int, allowance: _Allowance | None) -> int:
    """Return where so many items end, one behind the other."""
    if allowance is not None:
        allowance.take(count)
    for _ in range(count):
        initial = data[position]
        length = _LEAVES[initial]
        if length:
            position += length
        elif initial == _MEDIUM:
            position += 2 + data[position + 1]
        elif _WORD < initial < _WORD + 24:
            begin, position = position + 1, position + 1 + initial - _WORD
            data[begin:position].decode("utf-8")
        else:
            position = _end(data, position, depth, allowance)
    return position


def _allowance(data: bytes) -> _Allowance | None:
    """Return how many items data may hold; ``None`` when it has not so many bytes, as each item has one."""
    return None if len(data) <= MOST_ITEMS else _Allowance()


def _contents(major: int, argument: int) -> int:
    """Return how many items an array, a map or a tag is made of."""
    return argument if major == _ARRAY else 2 * argument if major == _MAP else 1


def _end_of_chunks(data: bytes, position: int, major: int, allowance: _Allowance | None) -> int:
    """Return where a string of indefinite length ends, which is a row of strings (section 3.2.3)."""
    while data[position] != _BREAK:
        if data[position] >> 5 != major or data[position] & 31 == 31:
            raise _unreadable("it is no CBOR")
        position = _end_of_items(data, position, 1, 0, allowance)
    return position + 1


def _end_of_stream(data: bytes, position: int, step: int, depth: int, allowance: _Allowance | None) -> int:
    while data[position] != _BREAK:
        position = _end_of_items(data, position, step, depth, allowance)
    return position + 1


def _read_head(data: bytes, position: int) -> tuple[int, int, int]:
    """Return an item's major type, its argument, -1 for an indefinite length, and where its content begins."""
    initial = data[position]
    major, detail = initial >> 5, initial & 31
    position += 1
    if detail < 24:
        return major, detail, position
    if detail == 31 and _BYTES <= major <= _MAP:
        return major, _INDEFINITE, position
    size = _ARGUMENT_SIZES.get(detail)
    if size is None:
        raise _unreadable("it is no CBOR")
    end = position + size
    if end > len(data):
        raise IndexError
    argument = int.from_bytes(data[position:end], "big")
    if major == _SIMPLE and detail == 24 and argument < 32:
        raise _unreadable("it is no CBOR")
    return major, argument, end


def _string(element: bytes, expected: Major) -> bytes:
    first = element[0]
    if first >> 5 == expected and first & 31 < 24:
        return element[1:]
    major, length, position = _read_head(element, 0)
    if major != expected or length == _INDEFINITE:
        raise _unreadable("a text or byte string is missing")
    return element[position:]


def _unreadable(what: str) -> Malformed:
    return Malformed(Reason.BAD_MESSAGE, what)
