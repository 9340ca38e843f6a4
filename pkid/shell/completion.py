"""What can be typed next: words that complete a command line, from what the core tells of its commands.

Pure. The core's description is a stranger's text: whatever is wrong in it only means fewer words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Suggestion", "Vocabulary"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A word that could stand at the end of the line.

    :ivar word: all of it.
    :ivar info: what it does.
    :ivar typed: how many of its characters are there already.
    """

    word: str
    info: str
    typed: int


class Vocabulary:
    """The commands of a core, as ``/cli/info`` describes them."""

    def __init__(self, description: bytes) -> None:
        self._commands = {each["name"]: each for each in _described(description)}

    def suggest(self, text: str) -> list[Suggestion]:
        """Return what can stand at the end of a line.

        :param text: the line up to the cursor.
        """
        segment, behind_pipe = _last_command(text)
        if segment is None:
            return []
        words = segment.split()
        current = words.pop() if words and not segment[-1].isspace() else ""
        found = self._next(words, behind_pipe)
        return [
            Suggestion(word, info, len(current))
            for word, info in found.items()
            if word.startswith(current) and word.isprintable() and word.split() == [word]
        ]

    def _next(self, words: list[str], behind_pipe: bool) -> Mapping[str, str]:
        """Return all words that can follow these, and what they do."""
        if not words:
            return self._names(lambda command: bool(command.get("source")) is not behind_pipe)
        command = self._commands.get(words[0], {})
        arguments = command.get("args")
        if isinstance(arguments, dict):
            named = {tuple(str(name).split()): each for name, each in arguments.items()}
            known_name = next((name for name in named if name == tuple(words[1 : 1 + len(name)])), None)
            if known_name is None:
                return {name[len(words) - 1]: "" for name in named if _goes_on(name, words[1:])}
            arguments, words = named[known_name], words[len(known_name) :]
        known = [each for each in _list(arguments) if isinstance(each, dict)]
        if any(each.get("value_hint") == "command" for each in known):
            return self._names(lambda _: True) if len(words) == 1 else self._next(words[1:2], behind_pipe=False)
        return _arguments(known, words)

    def _names(self, wanted: Any) -> Mapping[str, str]:
        return {name: str(each.get("info", "")) for name, each in self._commands.items() if wanted(each)}


def _goes_on(name: tuple[str, ...], words: list[str]) -> bool:
    """Tell whether a name of several words begins with these, and does not end with them."""
    return len(words) < len(name) and name[: len(words)] == tuple(words)


def _arguments(known: list[dict[str, Any]], words: list[str]) -> Mapping[str, str]:
    """Return the values of the option in front, or else the options that are not there yet."""
    last = next((each for each in known if each.get("name") == words[-1]), None)
    if last is not None and last.get("expects_value"):
        return {str(value): "" for value in _list(last.get("possible_values"))}
    found = {str(value): "" for each in known if not each.get("name") for value in _list(each.get("possible_values"))}
    options = ((each.get("name"), each.get("help_text")) for each in known)
    return found | {name: str(info or "") for name, info in options if isinstance(name, str) and name not in words}


def _last_command(text: str) -> tuple[str | None, bool]:
    """Return the text of the command that the cursor is in, and whether it stands behind a ``|``.

    There is none in a quoted word: what is quoted cannot be guessed.
    """
    start, quote, escaped, behind_pipe = 0, "", False, False
    for position, letter in enumerate(text):
        if escaped:
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in ";|":
            start, behind_pipe = position + 1, letter == "|"
    return (None if quote or escaped else text[start:]), behind_pipe


def _described(description: bytes) -> Iterator[dict[str, Any]]:
    try:
        content = json.loads(description)
    except (ValueError, RecursionError):
        return
    for each in _list(content.get("commands") if isinstance(content, dict) else None):
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            yield each


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else []
