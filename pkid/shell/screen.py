"""A terminal as the place for texts: safe to look at, and what has the same fields in columns.

Nothing that a core sends can do more to the terminal than be read. What is large is shown as it comes.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import TYPE_CHECKING, TextIO

from pkid.answers import BadAnswer
from pkid.inventory.kinds import KIND, KINDS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["Screen", "printable"]

_ROWS = 100  # that are laid out together
_GAP = 2  # spaces between columns
_LONGEST_LINE = 8 << 20  # bytes
_LINES = "application/x-ndjson"
_TELLING = {kind.name: kind.shown for kind in KINDS}

_Item = Mapping[str, object] | str


def printable(text: str) -> str:
    """Replace what could do something else to a terminal than be read there, but line ends and tabs."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


class Screen:
    """Writes to a terminal.

    :param color: whether it may show colours.
    :param width: characters in a line, if the terminal is not to be asked.
    """

    def __init__(self, out: TextIO, color: bool = True, width: int | None = None) -> None:
        self._out = out
        self._color = color
        self._width = width

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
            rows = ([_shown(item[field]) for field in fields] for item in group if not isinstance(item, str))
            names = [printable(field) for field in fields]
            page = list(islice(rows, _ROWS))
            if len(page) == 1:
                self._console().print(_form(names, page[0]))
                continue
            while page:
                self._table(names, page)
                page = list(islice(rows, _ROWS))

    def _console(self) -> Console:
        from rich.console import Console

        return Console(
            file=self._out, width=self._width, no_color=not self._color, highlight=False, markup=False, emoji=False
        )

    def _table(self, fields: list[str], rows: list[list[str]]) -> None:
        """Lay out rows in columns, as many as there is room for, and tell which there is none for."""
        console = self._console()
        columns = [_Column(field, [row[place] for row in rows]) for place, field in enumerate(fields)]
        present = _most_telling_first([column for column in columns if any(column.cells)])
        kept = _fitting(present, console.width)
        console.print(_table(kept))
        missing = [column.name for column in present if column not in kept]
        if missing:
            self.line(f"(no room for {', '.join(missing)}; --format text shows what tells most, ndjson everything)")


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    cells: list[str]
    telling: bool = False

    @property
    def width(self) -> int:
        return max(map(len, [self.name, *self.cells]))


def _most_telling_first(columns: list[_Column]) -> list[_Column]:
    """Put first the fields that tell most of the kind that all rows are of, in the order in which it lists them."""
    kinds = {cell for column in columns if column.name == KIND.name for cell in column.cells}
    telling = _TELLING.get(kinds.pop(), ()) if len(kinds) == 1 else ()
    by_name = {column.name: replace(column, telling=column.name in telling) for column in columns}
    return [by_name[name] for name in dict.fromkeys([*telling, *by_name]) if name in by_name]


def _fitting(columns: list[_Column], room: int) -> list[_Column]:
    """Leave columns out until the others fit: the widest, and those that tell most last; one stays in any case."""
    kept = list(columns)
    while len(kept) > 1 and sum(column.width + _GAP for column in kept) - _GAP > room:
        kept.remove(max(kept, key=lambda column: (not column.telling, column.width)))
    return kept


def _form(fields: list[str], values: list[str]) -> Table:
    from rich.table import Table

    form = Table(box=None, show_header=False, pad_edge=False)
    form.add_column(style="bold", no_wrap=True)
    form.add_column(overflow="fold")
    for row in zip(fields, values, strict=True):
        form.add_row(*row)
    return form


def _table(columns: list[_Column]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column.name, overflow="fold")
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*row)
    return table


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return printable(value)
        case list() if not any(isinstance(each, list | dict) for each in value):
            return ", ".join(map(_shown, value))
    try:
        return printable(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return "..."


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
