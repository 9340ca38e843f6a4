"""How resources, and their values, are written for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pkid.commands.broker.kinds import BROKER_KINDS
from pkid.inventory.kinds import KIND, KINDS
from pkid.inventory.results import Item

__all__ = ["listing", "template", "text_of", "written"]

_SHOWN = {kind.name: (KIND.name, *kind.shown) for kind in (*KINDS, *BROKER_KINDS)}
_COLUMN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:[ \t]+as[ \t]+([A-Za-z_][A-Za-z0-9_-]*))?")
_PIECE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]|[^{}]+")
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def written(value: object) -> str:
    """Write one value."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case timedelta():
            return _duration(value)
        case list():
            return ", ".join(map(written, value)) or "none"
    return str(value)


def text_of(item: Item) -> str:
    """Write one item: a resource in one line, other named values in a line for each."""
    if isinstance(item, str):
        return item
    if item.get(KIND.name) in _SHOWN:
        return _line(item, {name: name for name in _SHOWN[item[KIND.name]]})
    return "\n".join(f"{name}: {written(value)}" for name, value in item.items())


def listing(text: str) -> Callable[[Item], str]:
    """Read what stands behind ``list``: fields with commas between, each perhaps with another name behind ``as``.

    :raises ValueError: when it is something else.
    """
    columns: dict[str, str] = {}
    for piece in text.split(","):
        found = _COLUMN.fullmatch(piece.strip())
        if found is None:
            raise ValueError(f"expected fields, as: name, not_after as until; not {piece.strip()[:64]!r}")
        columns[found[2] or found[1]] = found[1]
    return lambda item: item if isinstance(item, str) else _line(item, columns)


def template(text: str) -> Callable[[Item], str]:
    """Read what stands behind ``format``: any text, in which ``{field}`` stands for a value; ``{{`` is a brace.

    :raises ValueError: for a brace that is neither.
    """
    pieces = list(_PIECE.finditer(text))
    for piece in pieces:
        if piece[0] in ("{", "}"):
            raise ValueError(
                f"expected {{field}}, or {{{{ for a brace, at character {piece.start() + 1} of the template"
            )
    return lambda item: item if isinstance(item, str) else "".join(_piece(piece, item) for piece in pieces)


def _piece(piece: re.Match[str], item: Mapping[str, object]) -> str:
    return written(item.get(piece[1])) if piece[1] else piece[0].replace("{{", "{").replace("}}", "}")


def _line(item: Mapping[str, object], columns: Mapping[str, str]) -> str:
    return ", ".join(f"{title}={written(item.get(name))}" for title, name in columns.items())


def _duration(span: timedelta) -> str:
    """Write the two largest units of a duration: ``12d4h``."""
    left = abs(int(span.total_seconds()))
    parts: list[str] = []
    for unit, size in _UNITS:
        number, left = divmod(left, size)
        if number or parts:
            parts.append(f"{number}{unit}" if number else "")
        if len(parts) == 2:
            break
    return ("-" if span < timedelta(0) else "") + ("".join(parts) or "0s")
