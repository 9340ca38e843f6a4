"""A command's words, as one text that the core's language (:mod:`pkid.commands.language`) reads as these words."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["command_line"]

_SPECIAL = re.compile(r"""[\s;|'"\\]""")
_ESCAPED = re.compile(r'(["\\])')


def command_line(words: Sequence[str]) -> str:
    """Return the text for the words that were typed; a single one is a text already."""
    return words[0] if len(words) == 1 else " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word and not _SPECIAL.search(word):
        return word
    if "'" not in word:
        return f"'{word}'"
    return '"' + _ESCAPED.sub(r"\\\1", word) + '"'
