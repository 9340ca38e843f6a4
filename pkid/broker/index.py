"""Many patterns at once: which of them mean a topic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from pkid.broker.topic import MANY, ONE, Pattern, Segments, is_wild

__all__ = ["PatternIndex"]

T = TypeVar("T")


class _Node(Generic[T]):
    """What the patterns have in common up to here."""

    __slots__ = ("children", "pattern", "repeats", "values")

    def __init__(self, repeats: bool = False) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.repeats = repeats
        self.pattern: Pattern | None = None
        self.values: dict[T, None] = {}


class PatternIndex(Generic[T]):
    """Values under patterns, as a tree of segments; a look-up costs segments times branches that match.

    :param verbatim: whether a wildcard spares segments with an ``@``, as subscriptions do; rules spare nothing.
    """

    def __init__(self, verbatim: bool = True) -> None:
        self._verbatim = verbatim
        self._root: _Node[T] = _Node()

    def __iter__(self) -> Iterator[tuple[Pattern, T]]:
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            waiting += reversed(node.children.values())
            if node.pattern is not None:
                yield from ((node.pattern, value) for value in node.values)

    def add(self, pattern: Pattern, value: T) -> bool:
        """Put a value under a pattern; return whether it was not there before."""
        node = self._root
        for segment in pattern.segments:
            node = node.children.setdefault(segment, _Node(segment == MANY))
        added = value not in node.values
        node.pattern = pattern
        node.values[value] = None
        return added

    def discard(self, pattern: Pattern, value: T) -> bool:
        """Take a value from under a pattern; return whether it was there."""
        path = [self._root]
        for segment in pattern.segments:
            if segment not in path[-1].children:
                return False
            path.append(path[-1].children[segment])
        found = value in path[-1].values
        path[-1].values.pop(value, None)
        self._prune(path, pattern.segments)
        return found

    @property
    def is_empty(self) -> bool:
        """Whether there is no value in it."""
        return not self._root.children

    def at(self, pattern: Segments) -> list[T]:
        """Return the values under exactly the pattern with these segments."""
        node = self._root
        for segment in pattern:
            if segment not in node.children:
                return []
            node = node.children[segment]
        return list(node.values)

    def find(self, topic: Segments) -> list[tuple[Pattern, tuple[T, ...]]]:
        """Return the patterns that mean a topic, each with its values."""
        return [(node.pattern, tuple(node.values)) for node in self._reach(topic) if node.pattern is not None]

    def matching(self, topic: Segments) -> list[Pattern]:
        """Return the patterns that mean a topic, which takes no longer where there are many values."""
        if not self._root.children:
            return []
        return [node.pattern for node in self._reach(topic) if node.pattern is not None]

    def _reach(self, topic: Segments) -> dict[_Node[T], None]:
        """Return the nodes at which a topic ends."""
        reached = _through_many({self._root: None})
        for segment in topic:
            wild = not self._verbatim or is_wild(segment)
            onward: dict[_Node[T], None] = {}
            for node in reached:
                children = node.children
                if segment in children:
                    onward[children[segment]] = None
                if wild and ONE in children:
                    onward[children[ONE]] = None
                if wild and node.repeats:
                    onward[node] = None
            if not onward:
                return onward
            reached = _through_many(onward)
        return reached

    def _prune(self, path: list[_Node[T]], segments: Segments) -> None:
        """Drop what became empty, so that patterns that come and go leave nothing."""
        if not path[-1].values:
            path[-1].pattern = None
        for parent, segment, node in zip(reversed(path[:-1]), reversed(segments), reversed(path[1:]), strict=True):
            if node.values or node.children:
                return
            del parent.children[segment]


def _through_many(nodes: dict[_Node[T], None]) -> dict[_Node[T], None]:
    """Add the nodes behind every ``**``, which may stand for nothing."""
    waiting = [node for node in nodes if MANY in node.children]
    while waiting:
        many = waiting.pop().children.get(MANY)
        if many is not None and many not in nodes:
            nodes[many] = None
            waiting.append(many)
    return nodes
