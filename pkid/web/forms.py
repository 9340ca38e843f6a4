"""The forms in which items are written, by what is accepted; page by page, so that nothing holds all of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from pkid.commands.writing import text_of, written
from pkid.inventory.results import Item, Pages

__all__ = ["FORMS", "JSON_LIST", "Form"]


@dataclass(frozen=True, slots=True)
class Form:
    """One form.

    :ivar opening: what stands before the first item, :ivar separator: between two, :ivar closing: behind the last.
    :ivar nothing: what stands for no items at all.
    """

    content_type: str
    write: Callable[[Item], str]
    opening: str = ""
    separator: str = "\n"
    closing: str = ""
    nothing: str = ""

    async def chunks(self, results: Pages) -> AsyncIterator[bytes]:
        """Write all items, a page at a time; no newline stands at the end."""
        before = self.opening
        started = False
        async for page in results.pages():
            yield (before + self.separator.join(map(self.write, page))).encode()
            before, started = self.separator, True
        yield (self.closing if started else self.nothing).encode()


def _json(item: Item) -> str:
    return json.dumps(item, default=written)


def _document(item: Item) -> str:
    """Write YAML: every JSON text is one (YAML 1.2, section 1.3)."""
    return f"---\n{_json(item)}"


JSON_LIST = Form("application/json", _json, "[\n", ",\n", "\n]", "[\n]")
_LINES = Form("application/x-ndjson", _json)
_YAML = Form("text/yaml", _document)

FORMS = {
    "application/json": JSON_LIST,
    "application/x-ndjson": _LINES,
    "application/ndjson": _LINES,
    "text/plain": Form("text/plain", text_of),
    "application/yaml": _YAML,
    "text/yaml": _YAML,
}
"""The forms by what a request accepts."""
