"""The kinds of value that a setting can have, and how each is read.

A value is text when it comes from a flag or the environment, and whatever TOML made of it when it comes from the
file. Each function here returns the checked value, or raises ``ValueError`` with half a sentence that says what the
value must be; the caller knows which setting it was and where it stood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pkid.broker.topic import Pattern
from pkid.ca.names import TrustDomain, host_name, ip_name
from pkid.errors import Refused

__all__ = [
    "boolean",
    "count",
    "duration",
    "each_of",
    "host_names",
    "instant",
    "ip_addresses",
    "keeping",
    "lifetime",
    "one_of",
    "path",
    "patterns",
    "size",
    "text",
    "trust_domain",
]

T = TypeVar("T")

_TYPES = {bool: "a boolean", int: "an integer", float: "a float", list: "an array", dict: "a table", str: "a string"}
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SHORTEST_LIFETIME = timedelta(minutes=2)
_LONGEST_LIFETIME = timedelta(days=3650)
_SHORTEST_KEEPING = timedelta(days=1)
_LONGEST_KEEPING = timedelta(days=36500)


def text(value: object) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise _mismatch("a string", value)
    return value


def boolean(value: object) -> bool:
    """Read a truth value: ``true`` or ``false``, ``1`` or ``0``, ``yes`` or ``no``, in any case of letters."""
    written = str(value).lower() if isinstance(value, bool | int | str) else ""
    if written not in _TRUTH:
        raise ValueError("must be true or false")
    return _TRUTH[written]


def path(value: object) -> Path:
    """Read the path of a file or directory."""
    written = text(value)
    if not written or "\0" in written:
        raise ValueError("must name a file or directory")
    return Path(written)


def one_of(choices: Iterable[str]) -> Callable[[object], str]:
    """Make a kind that is one of several words."""
    words = tuple(choices)

    def choice(value: object) -> str:
        written = text(value)
        if written not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {written!r}")
        return written

    return choice


def duration(value: object) -> timedelta:
    """Read a duration: a whole number and its unit, as ``90s``, ``15m``, ``12h`` or ``30d``."""
    written = value if isinstance(value, str) else ""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", written)
    if match is None:
        raise ValueError(f"must be a number and a unit, such as 90s, 15m, 12h or 30d, not {value!r}")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def count(value: object) -> int:
    """Read a whole number from 0 to a thousand million."""
    written = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,9}", written):
        raise ValueError(f"must be a whole number, not {value!r}")
    return int(written)


def size(value: object) -> int:
    """Read a number of bytes, as ``65536``, ``64k``, ``1m`` or ``2g``."""
    written = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    match = re.fullmatch(r"([0-9]{1,9})([kmg]?)", written)
    if match is None:
        raise ValueError(f"must be a number of bytes, such as 65536, 64k, 1m or 2g, not {value!r}")
    return int(match[1]) * _SIZES[match[2]]


def lifetime(value: object) -> timedelta:
    """Read the lifetime of a certificate: a duration of two minutes to ten years."""
    span = duration(value)
    if not _SHORTEST_LIFETIME <= span <= _LONGEST_LIFETIME:
        raise ValueError(f"must be at least 2m and at most 3650d, not {value!r}")
    return span


def instant(value: object) -> datetime:
    """Read a date and time with its offset from UTC, and return it in UTC."""
    if not isinstance(value, datetime) or value.tzinfo is None or not 1970 <= value.year < 9999:
        raise ValueError("must be a date and time with an offset, such as 2027-01-01T00:00:00Z without quotes")
    return value.astimezone(UTC)


def each_of(read: Callable[[str], T]) -> Callable[[object], tuple[T, ...]]:
    """Make a kind that is an array of strings, each of which *read* converts; it raises ``ValueError``."""

    def array(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise _mismatch("an array of strings", value)
        return tuple(read(text(item)) for item in value)

    return array


def keeping(value: object) -> timedelta | None:
    """Read for how long something is kept: a duration of a day to a century, or ``forever``, which is ``None``."""
    if value == "forever":
        return None
    span = duration(value)
    if not _SHORTEST_KEEPING <= span <= _LONGEST_KEEPING:
        raise ValueError(f"must be at least 1d and at most 36500d, or forever, not {value!r}")
    return span


def trust_domain(value: object) -> str:
    """Read a trust domain (SPIFFE ID specification, section 2.1)."""
    try:
        return TrustDomain(text(value)).name
    except Refused:
        raise ValueError(f"must be 1 to 255 of a-z, 0-9, '.', '-' and '_', not {value!r}") from None


def host_names(value: object) -> tuple[str, ...]:
    """Read host names, parted by white space or commas, or an array of them."""
    return _each(value, host_name, "a host name")


def ip_addresses(value: object) -> tuple[str, ...]:
    """Read IP addresses in the same way, and return each in its usual form."""
    return _each(value, lambda item: str(ip_name(item)), "the IP address of one host")


def patterns(value: object) -> tuple[Pattern, ...]:
    """Read topics and patterns of topics, parted by white space, or an array of them."""
    items = value.split() if isinstance(value, str) else value
    if not isinstance(items, list):
        raise _mismatch("an array of strings", value)
    return tuple(Pattern(_item(item, lambda written: Pattern(written).text, "a topic or a pattern")) for item in items)


def _each(value: object, check: Callable[[str], str], what: str) -> tuple[str, ...]:
    items = re.split(r"[\s,]+", value) if isinstance(value, str) else value
    if not isinstance(items, list):
        raise _mismatch("an array of strings", value)
    return tuple(dict.fromkeys(_item(item, check, what) for item in items if item != ""))


def _item(item: object, check: Callable[[str], str], what: str) -> str:
    try:
        return check(text(item))
    except Refused:
        raise ValueError(f"holds {item!r}, which is not {what}") from None


def _mismatch(wanted: str, value: object) -> ValueError:
    return ValueError(f"must be {wanted}, not {_TYPES.get(type(value), 'a date or time')}")
