"""The inventory: all sources together, and searches over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from pkid.errors import Malformed, Reason
from pkid.inventory.binding import EVERY_KIND, bind, fields_of, kinds_of, may_match
from pkid.inventory.found import Found, Part, check_field
from pkid.inventory.grammar import Search, read_search
from pkid.inventory.kinds import Kind
from pkid.inventory.source import Source

__all__ = ["Inventory"]


class Inventory:
    """What a core knows.

    :param sources: one for each kind.
    :param now: gives the time, aware UTC.
    """

    def __init__(self, sources: Iterable[Source], now: Callable[[], datetime]) -> None:
        self._sources = {source.kind.name: source for source in sources}
        self._now = now

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of resource that there are."""
        return [source.kind for source in self._sources.values()]

    def read(self, text: str) -> Search:
        """Read a search, and check that there is all that it names.

        :raises Malformed: when there is not, or the text is no search.
        """
        search = read_search(text)
        self.find(search)
        return search

    def find(self, search: Search) -> Found:
        """Return the results of a search, of which nothing is read yet.

        :raises Malformed: when a kind, a field or a value is none.
        """
        for name, position in kinds_of(search.predicate):
            self._check_kind(name, position)
        sources = [source for source in self._sources.values() if may_match(search.predicate, source.kind)]
        kinds = [source.kind for source in sources]
        for name, position in fields_of(search.predicate):
            check_field(name, position, kinds)
        for key in search.order:
            check_field(key.field, key.position, kinds)
        now = self._now()
        parts = tuple(Part(source, bind(search.predicate, source.kind, now)) for source in sources)
        return Found(parts, now, search.order, search.skip, search.limit)

    def _check_kind(self, name: str, position: int) -> None:
        if name != EVERY_KIND and name not in self._sources:
            known = ", ".join([EVERY_KIND, *self._sources])
            problem = f"there is no kind {name[:64]!r} at character {position} of the search; there are {known}"
            raise Malformed(Reason.COMMAND, problem)
