"""A terminal as the place for texts: safe to look at, and what has the same fields in columns.

Nothing that a core sends can do more to the terminal than be read. What is large is shown as it comes.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import TYPE_CHECKING, TextIO

from pkid.answers import BadAnswer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["Screen", "printable"]

_ROWS = 100  # that are laid out together
_LONGEST_LINE = 8 << 20  # bytes
_LINES = "application/x-ndjson"

_Item = Mapping[str, object] | str


def printable(text: str) -> str:
    """Replace what could do something else to a terminal than be read there, but line ends and tabs."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


class Screen:
    """Writes to a terminal.

    :param color: whether it may show colours.
    """

    def __init__(self, out: TextIO, color: bool = True) -> None:
        self._out = out
        self._color = color

    def text(self, content_type: str, pieces: Iterable[bytes]) -> None:
        """Write a text as it comes, and end its last line; items that are parted by line ends become tables."""
        if content_type == _LINES:
            self._items(map(_item, _lines(pieces)))
            return
        last = "\n"
        for text in codecs.iterdecode(filter(None, pieces), "utf-8", "replace"):
            last = text or last
            self._write(text)
        if not last.endswith("\n"):
            self._write("\n")

    def line(self, text: str) -> None:
        """Write a line of the program's own."""
        self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        self._out.write(printable(text))
        self._out.flush()

    def _items(self, items: Iterable[_Item]) -> None:
        for fields, group in groupby(items, _fields):
            if fields is None:
                for item in group:
                    self.line(str(item))
                continue
            rows = (item for item in group if not isinstance(item, str))
            while page := list(islice(rows, _ROWS)):
                self._console().print(_table(fields, page))

    def _console(self) -> Console:
        from rich.console import Console

        return Console(file=self._out, no_color=not self._color, highlight=False, markup=False, emoji=False)


def _table(fields: tuple[str, ...], rows: list[Mapping[str, object]]) -> Table:
    """Lay out rows in columns, or a single one with a line for each field."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=len(rows) > 1, header_style="bold", show_edge=False)
    if len(rows) == 1:
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for field in fields:
            table.add_row(printable(field), _shown(rows[0][field]))
        return table
    for field in fields:
        table.add_column(printable(field), overflow="fold")
    for row in rows:
        table.add_row(*(_shown(row[field]) for field in fields))
    return table


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return printable(value)
        case list():
            return ", ".join(map(_shown, value))
    return printable(json.dumps(value, ensure_ascii=False))


def _fields(item: _Item) -> tuple[str, ...] | None:
    return None if isinstance(item, str) else tuple(item)


def _item(line: bytes) -> _Item:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        return line.decode("utf-8", "replace")
    return item if isinstance(item, str | dict) else _shown(item)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > _LONGEST_LINE:
            raise BadAnswer(f"the core sent a line of more than {_LONGEST_LINE >> 20} MiB; use --format text")
    if rest:
        yield rest
