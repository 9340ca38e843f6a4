"""Literals: what stands in a search becomes a value of a field's type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pkid.errors import Malformed, Reason
from pkid.inventory.kinds import Field, Type, Value

__all__ = ["Literal", "read_duration", "read_value"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([+-]?)([0-9]{1,9})([smhdw])")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_TRUTH = {"true": True, "false": False}
_SERIAL_DIGITS = 40
_MOST_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Literal:
    """One value as it was written, without its quotes.

    :ivar position: where it stands in the text, in characters from 1.
    """

    text: str
    quoted: bool = False
    position: int = 1

    @property
    def is_null(self) -> bool:
        """Whether it stands for an absent value."""
        return self.text == "null" and not self.quoted


def read_value(literal: Literal, field: Field, now: datetime) -> Value:
    """Read a literal as a value of a field.

    :param now: what a duration is counted from where a field holds instants, aware UTC.
    :raises Malformed: when it is none.
    """
    if literal.is_null:
        return None
    try:
        return _read(literal.text, field.type, now)
    except (ValueError, OverflowError):
        shown = literal.text if len(literal.text) <= _MOST_SHOWN else f"{literal.text[:_MOST_SHOWN]}..."
        problem = f"{field.name} is {field.type.value}, not {shown!r}, at character {literal.position} of the search"
        raise Malformed(Reason.COMMAND, problem) from None


def read_duration(text: str) -> timedelta:
    """Read a duration: a whole number and its unit, ``s``, ``m``, ``h``, ``d`` or ``w``; with a minus it is negative.

    :raises ValueError: when it is none.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {Type.DURATION.value}: {text!r}")
    try:
        span = timedelta(**{_UNITS[match[3]]: int(match[2])})
    except OverflowError:
        raise ValueError(f"expected a duration of at most 999999999 days: {text!r}") from None
    return -span if match[1] == "-" else span


def _read(text: str, kind: Type, now: datetime) -> Value:
    match kind:
        case Type.TEXT:
            return text
        case Type.INTEGER:
            return _read_integer(text)
        case Type.BOOLEAN:
            return _read_truth(text)
        case Type.INSTANT:
            return _read_instant(text, now)
        case Type.DURATION:
            return read_duration(text)
        case Type.SERIAL:
            return _digits(text.removeprefix("0x"), _SERIAL_DIGITS)
        case Type.DIGEST:
            return bytes.fromhex(_digits(text, 64)).hex(":").upper()


def _read_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError
    return int(text)


def _read_truth(text: str) -> bool:
    if text not in _TRUTH:
        raise ValueError
    return _TRUTH[text]


def _read_instant(text: str, now: datetime) -> datetime:
    if _DURATION.fullmatch(text):
        return now + read_duration(text)
    if not text.isascii() or not text[:4].isdigit():
        raise ValueError
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _digits(text: str, count: int) -> str:
    """Read hexadecimal digits, colons between them or not, and put zeros in front."""
    digits = text.replace(":", "").lower()
    if not digits or set(digits) - set("0123456789abcdef") or len(digits.lstrip("0")) > count:
        raise ValueError
    return digits.lstrip("0").rjust(count, "0")
