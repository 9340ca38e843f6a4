"""Arguments: a command's words become values, or an error in the seeds' words."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from pkid.commands.command import Argument, Command
from pkid.commands.language import unquoted
from pkid.errors import Malformed, PkidError, Reason

__all__ = ["printable", "read_arguments"]

_MOST_SHOWN = 400  # characters of a command that an error repeats
_MOST_OPTIONS = 256  # because the time that the parser takes grows with their square


class _Rejected(Exception):
    """The words do not fit."""


class _Parser(ArgumentParser):
    """Raises what other parsers print before they exit."""

    def error(self, message: str) -> NoReturn:
        raise _Rejected(message)


def read_arguments(command: Command, words: Sequence[str], written: str) -> Namespace:
    """Read the words behind a command's name.

    Options may be abbreviated, written as ``--name=value`` and repeated: the last one counts.

    :param written: the text behind the command's first word, for the error.
    :raises Malformed: when they do not fit.
    """
    if any(argument.whole for argument in command.arguments):
        return _read_whole(command, written)
    parser = _Parser(prog=command.name, add_help=False)
    for argument in command.arguments:
        _declare(parser, argument)
    try:
        if sum(word.startswith("-") for word in words) > _MOST_OPTIONS:
            parser.error(f"more than {_MOST_OPTIONS} options")
        return parser.parse_args(list(words))
    except _Rejected as error:
        problem = f"{command.group} can not parse arg {printable(written)}. Reason: Could not parse arguments: "
        raise Malformed(Reason.COMMAND, problem + printable(str(error))) from None


def printable(text: str) -> str:
    """Shorten what a caller wrote so that it can stand in one line of an answer or a log."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}..."


def _read_whole(command: Command, written: str) -> Namespace:
    """Read the one argument that is all the text."""
    (argument,) = command.arguments
    written = unquoted(written)  # a shell around the core's own may have needed the quotes
    if argument.required and not written:
        raise Malformed(Reason.COMMAND, f"{command.name} needs {argument.name.upper()}: {argument.info}")
    if not written:
        return Namespace(**{argument.name: argument.default})
    try:
        return Namespace(**{argument.name: argument.read(written)})
    except ValueError as error:
        raise Malformed(Reason.COMMAND, f"{command.name} can not parse arg {printable(written)}. {error}") from None


def _declare(parser: ArgumentParser, argument: Argument) -> None:
    if argument.is_option and not argument.shown:
        parser.add_argument(argument.name, action="store_true")
        return
    options: dict[str, Any] = {"type": _reader(argument), "default": argument.default}
    if argument.choices:
        options["choices"] = argument.choices
    if argument.is_option:
        options |= {"required": argument.required} | ({"nargs": "+"} if argument.repeated else {})
    else:
        options["nargs"] = "*" if argument.repeated else None if argument.required else "?"
    parser.add_argument(argument.name, **options)


def _reader(argument: Argument) -> Callable[[str], object]:
    """Let the argument's own words for what is wrong stand in the error."""

    def read(word: str) -> object:
        try:
            return argument.read(word)
        except (PkidError, ValueError) as error:
            raise ArgumentTypeError(str(error)) from None

    return read
