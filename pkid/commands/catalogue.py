"""The catalogue: all commands that there are, found by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from pkid.commands.arguments import printable
from pkid.commands.command import Command
from pkid.errors import Malformed, Reason

__all__ = ["Catalogue"]


class Catalogue:
    """Commands by their names, of one word to three.

    :param commands: in the order in which the help lists them.
    """

    def __init__(self, commands: Iterable[Command]) -> None:
        self._commands = {command.name: command for command in commands}
        self._named = self._commands | {command.also: command for command in self if command.also}

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def find(self, words: Sequence[str]) -> tuple[Command, Sequence[str]]:
        """Return the command that these words call, and the words behind its name.

        A group's name alone, ``--help`` behind a name, and a name without the arguments that it needs, call for help.

        :raises Malformed: when there is no such command.
        """
        for size in (3, 2, 1):
            command = self._named.get(" ".join(words[:size]))
            if command is not None:
                rest = words[size:]
                alone = command.needs_arguments and not command.takes_items and not rest
                if list(rest) in (["--help"], ["-h"]) or alone:
                    return self._commands["help"], words[:size]
                return command, rest
        without_help = words[:-1] if words[-1] in ("--help", "-h") else words
        if self._below(without_help):
            return self._commands["help"], without_help
        raise self.unknown(words)

    def about(self, words: Sequence[str]) -> list[Command]:
        """Return the command of this name, or all of the group.

        :raises Malformed: when there is none.
        """
        command = self._named.get(" ".join(words))
        found = [command] if command is not None else self._below(words)
        if not found:
            raise self.unknown(words)
        return found

    def group(self, name: str) -> list[Command]:
        """Return all commands of a group."""
        return [command for command in self if command.group == name]

    def _below(self, words: Sequence[str]) -> list[Command]:
        """Return all commands whose names begin with these words, and do not end with them."""
        return [command for command in self if words and command.name.startswith(f"{' '.join(words)} ")]

    def unknown(self, words: Sequence[str]) -> Malformed:
        """Return the error that there is no such command, with as many words as its name would have."""
        name = " ".join(words[:2] if self.group(words[0]) else words[:1])
        known = [*self._named, *(command.group for command in self if command.group)]
        near = "".join(f" Did you mean {each}?" for each in get_close_matches(name.lower(), known, n=1))
        return Malformed(Reason.COMMAND, f"Command >{printable(name)}< is not known. Typo?{near}")
