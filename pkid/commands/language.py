r"""The command language: text in, words out.

A text holds command lines, separated by ``;``. A line may begin with ``name=value`` pairs, and holds commands that
``|`` connects. A command is words between spaces, tabs and line ends.

- ``'...'`` keeps everything as it is.
- ``"..."`` does too, but there ``\"`` stands for the quote and ``\\`` for the backslash.
- Elsewhere a backslash keeps the one character behind it.

The quotes themselves go away. ``name("a", b)`` is the same as ``name "a" b``, for those who come from a program.

This module knows no command, and must not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from pkid.errors import Malformed, Reason

__all__ = ["MOST_COMMANDS", "MOST_WORDS", "CommandLine", "CommandSyntaxError", "Invocation", "parse", "unquoted"]

LONGEST_TEXT = 32 * 1024
"""Bytes of UTF-8 that a text may have; reading one, on the reactor, takes 10 to 20 milliseconds at worst."""

MOST_COMMANDS = 32
"""Commands that one text may hold, in all of its lines."""

MOST_WORDS = 1024
"""Words that one text may hold, in all of its commands."""

_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN = r"""[^ \t\r\n;|'"\\]++"""
_QUOTED = r"""(?:[^"\\]|\\.)*+"""
_TOKEN = re.compile(
    rf"""(?P<space>[ \t\r\n]++)|(?P<separator>[;|])|(?P<word>(?:{_PLAIN}|'[^']*+'|"{_QUOTED}"|\\.)++)""", re.DOTALL
)
_PIECE = re.compile(
    rf"""'(?P<literal>[^']*+)'|"(?P<quoted>{_QUOTED})"|\\(?P<escaped>.)|(?P<plain>{_PLAIN})""", re.DOTALL
)
_QUOTED_ESCAPE = re.compile(r'\\(["\\])')
_ARGUMENT = rf"""(?:'[^']*+'|"{_QUOTED}"|[^\s,()'"\\]++)"""
_CALL = re.compile(rf"""([A-Za-z_][A-Za-z0-9_]*+)\(\s*+((?:{_ARGUMENT}\s*+(?:,\s*+(?!\))|(?=\))))*+)\)""", re.DOTALL)
_ARGUMENTS = re.compile(_ARGUMENT, re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


class CommandSyntaxError(Malformed):
    """The text is not a command.

    :ivar position: where, in characters from 1.
    """

    def __init__(self, problem: str, position: int) -> None:
        self.position = position
        super().__init__(Reason.COMMAND, f"{problem} at character {position}")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One command as it was called: its words, without quotes, and the text behind the first one as it was written."""

    words: tuple[str, ...]
    argument_text: str


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Commands, each of which takes what the one before gives, and the pairs in front of them."""

    commands: tuple[Invocation, ...]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or a separator, as written, and where it starts, from 0."""

    text: str
    start: int
    is_word: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def unquoted(self) -> str:
        return _PIECE.sub(_unquote, self.text)


def parse(text: str) -> tuple[CommandLine, ...]:
    """Read all command lines of a text; there is at least one, and each has at least one command.

    :raises CommandSyntaxError: when that cannot be done, with the position.
    :raises Malformed: when there is nothing, or too much.
    """
    if len(text.encode()) > LONGEST_TEXT:
        raise Malformed(Reason.COMMAND, f"the command is longer than {LONGEST_TEXT} bytes")
    if not text.strip():
        raise Malformed(Reason.COMMAND, "No command could be parsed!")
    if control := _CONTROL.search(text):
        raise CommandSyntaxError("there is a control character", control.start() + 1)
    lines: list[CommandLine] = []
    commands: list[list[_Token]] = []
    for words, separator in _split(text):
        commands.append(words)
        if separator != "|":
            lines.append(_line(text, commands))
            commands = []
    return tuple(lines)


def _split(text: str) -> Iterator[tuple[list[_Token], str]]:
    """Yield the words of each command, and the separator behind them."""
    words: list[_Token] = []
    found = 0
    for token in chain(_tokens(text), [_Token("", len(text))]):
        if token.is_word:
            words.append(token)
            continue
        if not words:
            raise CommandSyntaxError("a command is missing", token.start + 1)
        found += 1
        if found > MOST_COMMANDS:
            raise CommandSyntaxError(f"there is one command more than {MOST_COMMANDS}", words[0].start + 1)
        yield words, token.text
        words = []


def _tokens(text: str) -> Iterator[_Token]:
    """Yield words and separators.

    :raises CommandSyntaxError: at a quote or a backslash that is not completed, or one word too many.
    """
    position = words = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            what = "the backslash" if text[position] == "\\" else "the quote"
            raise CommandSyntaxError(f"nothing completes {what}", position + 1)
        position = token.end()
        if token.lastgroup == "word":
            words += 1
            if words > MOST_WORDS:
                raise CommandSyntaxError(f"there is one word more than {MOST_WORDS}", token.start() + 1)
        if token.lastgroup != "space":
            yield _Token(token[0], token.start(), token.lastgroup == "word")


def _line(text: str, commands: list[list[_Token]]) -> CommandLine:
    first, *others = commands
    environment: dict[str, str] = {}
    while first and _ASSIGNMENT.match(first[0].text):
        assignment, *first = first
        name, _, value = assignment.unquoted().partition("=")
        environment[name] = value
        if not first:
            raise CommandSyntaxError("a command is missing", assignment.end + 1)
    return CommandLine(tuple(_invocation(text, words) for words in (first, *others)), environment)


def _invocation(text: str, words: list[_Token]) -> Invocation:
    call = _CALL.fullmatch(text, words[0].start, words[-1].end)
    if call is not None:
        given = (_PIECE.sub(_unquote, argument[0]) for argument in _ARGUMENTS.finditer(call[2]))
        return Invocation((call[1], *given), call[2].strip())
    written = text[words[0].end : words[-1].end].strip()
    return Invocation(tuple(word.unquoted() for word in words), written)


def unquoted(text: str) -> str:
    """Return what is between the quotes of a text that is one quoted word, and any other text as it is."""
    piece = _PIECE.fullmatch(text)
    return _unquote(piece) if piece is not None and piece.lastgroup in {"literal", "quoted"} else text


def _unquote(piece: re.Match[str]) -> str:
    if piece["quoted"] is not None:
        return _QUOTED_ESCAPE.sub(r"\1", piece["quoted"])
    return piece[piece.lastgroup or 0]
