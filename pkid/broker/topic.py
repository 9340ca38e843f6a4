"""Topics, and the patterns that stand for many of them.

A topic is a text of segments, parted by ``/``. In a pattern ``*`` stands for one segment and ``**`` for any number.
Segments are compared one by one, in linear time; no text of a client ever becomes a regular expression.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from pkid.errors import Reason, Refused

__all__ = ["MANY", "ONE", "SEPARATOR", "Pattern", "Segments", "literal", "read_topic"]

Segments = tuple[str, ...]

SEPARATOR = "/"
ONE = "*"
"""Stands for one segment."""
MANY = "**"
"""Stands for any number of segments, none included."""

_VERBATIM = "@"
_LONGEST = 255  # bytes in UTF-8
_MOST_SEGMENTS = 16
_MOST_REMEMBERED = 4096  # topics, which are read once then; what is refused is not remembered
_MOST_SHOWN = 64  # characters of a refused text that an error repeats


@lru_cache(maxsize=_MOST_REMEMBERED)
def read_topic(text: str) -> Segments:
    """Check a topic's name and return its segments.

    :raises Refused: ``bad-topic`` when it has no segment or more than 16, an empty one, a space, a character that
        cannot be printed or a ``*``, or takes more than 255 bytes.
    """
    segments = _segments(text)
    if "*" in text:
        raise Refused(Reason.BAD_TOPIC, _shown(text))
    return segments


@dataclass(frozen=True, slots=True)
class Pattern:
    """A topic, or a pattern of topics.

    :raises Refused: ``bad-topic`` when the text is neither: ``*`` and ``**`` stand for whole segments only.
    """

    text: str
    segments: Segments = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        segments = _segments(self.text)
        if any("*" in segment and segment not in {ONE, MANY} for segment in segments):
            raise Refused(Reason.BAD_TOPIC, _shown(self.text))
        object.__setattr__(self, "segments", segments)

    def __str__(self) -> str:
        return self.text

    @property
    def is_literal(self) -> bool:
        """Whether it stands for one topic only."""
        return "*" not in self.text

    def matches(self, topic: Segments) -> bool:
        """Tell whether a subscription to this pattern means the topic."""
        reached = self._through_many({0})
        for segment in topic:
            wild = is_wild(segment)
            onward = {place + 1 for place in reached if self._takes(place, segment, wild)}
            staying = {place for place in reached if wild and self.segments[place : place + 1] == (MANY,)}
            reached = self._through_many(onward | staying)
        return len(self.segments) in reached

    def _takes(self, place: int, segment: str, wild: bool) -> bool:
        expected = self.segments[place] if place < len(self.segments) else None
        return expected == segment or (wild and expected == ONE)

    def _through_many(self, places: set[int]) -> set[int]:
        """Add the places behind every ``**``, which may stand for nothing."""
        for place in sorted(places):
            while self.segments[place : place + 1] == (MANY,):
                place += 1
                places.add(place)
        return places


literal = lru_cache(maxsize=_MOST_REMEMBERED)(Pattern)
"""Returns the pattern that means one topic only, which was read before."""


def is_wild(segment: str) -> bool:
    """Tell whether a subscription's wildcard may stand for this segment: not if it holds an ``@``."""
    return _VERBATIM not in segment


def _segments(text: str) -> Segments:
    segments = tuple(text.split(SEPARATOR))
    plain = text.isprintable() and " " not in text  # printable text has no lone surrogates, which UTF-8 cannot hold
    if not plain or not all(segments) or len(segments) > _MOST_SEGMENTS or len(text.encode()) > _LONGEST:
        raise Refused(Reason.BAD_TOPIC, _shown(text))
    return segments


def _shown(text: str) -> str:
    """Write a refused text so that it can stand in an answer and in one log line."""
    return ascii(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...")
