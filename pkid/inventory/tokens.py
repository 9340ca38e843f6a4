"""Tokens: the words, signs and quoted texts of a search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pkid.errors import Malformed, Reason

__all__ = ["LONGEST_TEXT", "SearchSyntaxError", "Token", "tokens"]

LONGEST_TEXT = 16 * 1024
"""Characters that a search may have."""

_QUOTED = r"""(?:[^"\\]|\\.)*+"""
_TOKEN = re.compile(
    rf"""(?P<space>[ \t\r\n]++)|(?P<sign>[=!<>]?=|[<>()\[\],])|'(?P<literal>[^']*+)'|"(?P<quoted>{_QUOTED})"|"""
    r"""(?P<word>[^ \t\r\n=!<>()\[\],'"\\|;]++)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r'\\(["\\])')


class SearchSyntaxError(Malformed):
    """The text is not a search.

    :ivar position: where, in characters from 1.
    """

    def __init__(self, problem: str, position: int) -> None:
        self.position = position
        super().__init__(Reason.COMMAND, f"{problem} at character {position} of the search")


@dataclass(frozen=True, slots=True)
class Token:
    """One word, sign or quoted text, without its quotes; the empty sign stands behind the last one."""

    text: str
    position: int
    is_word: bool = False
    is_quoted: bool = False

    def is_keyword(self, *words: str) -> bool:
        """Tell whether it is one of these words, in whatever case."""
        return self.is_word and self.text.lower() in words

    def is_sign(self, *signs: str) -> bool:
        """Tell whether it is one of these signs."""
        return not self.is_word and not self.is_quoted and self.text in signs

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= 40 else f"{self.text[:40]}..."
        return repr(shown) if shown or self.is_quoted else "the end"


def tokens(text: str) -> Iterator[Token]:
    """Yield all tokens of a text, and one for its end.

    Quotes are as in commands: ``'...'`` keeps everything, in ``"..."`` a backslash keeps a quote or a backslash.

    :raises SearchSyntaxError: at what is none.
    """
    if len(text) > LONGEST_TEXT:
        raise SearchSyntaxError("there is one character too many", LONGEST_TEXT + 1)
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise SearchSyntaxError(f"{text[position]!r} has no place, or no end,", position + 1)
        if found.lastgroup != "space":
            yield _token(found)
        position = found.end()
    yield Token("", len(text) + 1)


def _token(found: re.Match[str]) -> Token:
    position = found.start() + 1
    match found.lastgroup:
        case "quoted":
            return Token(_ESCAPE.sub(r"\1", found["quoted"]), position, is_quoted=True)
        case "literal":
            return Token(found["literal"], position, is_quoted=True)
    return Token(found[0], position, is_word=found.lastgroup == "word")
