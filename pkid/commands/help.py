"""The help: what each command says of itself, for people and for the shells' completion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pkid.auth.credentials import Right
from pkid.commands.catalogue import Catalogue
from pkid.commands.command import Argument, Call, Command, Output

__all__ = ["describe", "with_help"]


def with_help(commands: Iterable[Command]) -> Catalogue:
    """Return a catalogue of these commands and ``help``, which tells about all of them."""

    async def run(call: Call) -> Output:
        about: list[str] = call.arguments.command
        return Output(tuple(_about(catalogue, about) if about else _overview(catalogue)))

    name = Argument(name="command", info="the command to tell about", repeated=True)
    command = Command(
        name="help", info="tell what there is, or about one command", right=Right.READ, run=run, arguments=(name,)
    )
    catalogue = Catalogue([command, *commands])
    return catalogue


def describe(catalogue: Catalogue) -> list[dict[str, object]]:
    """Describe each command, or group of them, as the shells read it for their completion."""
    groups = {command.group: catalogue.group(command.group) for command in catalogue}
    groups |= {command.also: [replace(command, name=command.also)] for command in catalogue if command.also}
    return [
        {
            "name": name,
            "info": members[0].info if len(members) == 1 else f"{name}: {len(members)} commands",
            "help": "\n".join(_about(catalogue, [name])),
            "args": _completion(name, members),
            "source": not members[0].takes_items,
        }
        for name, members in groups.items()
    ]


def _overview(catalogue: Catalogue) -> Iterator[str]:
    width = max(len(command.name) for command in catalogue)
    yield from (f"{command.name:{width}}  {command.info}" for command in catalogue)
    yield ""
    yield "Separate commands by ;. Quote what holds spaces. For more about a command: help COMMAND"


def _about(catalogue: Catalogue, words: list[str]) -> Iterator[str]:
    for number, command in enumerate(catalogue.about(words)):
        if number:
            yield ""
        yield f"{command.name}: {command.info}"
        yield ""
        yield f"  {'... | ' if command.takes_items else ''}{' '.join([command.name, *_usage(command)])}"
        yield from _section("", [f"It is also called {command.also}."] if command.also else [])
        yield from _section("", command.details)
        yield from _section("Parameters", (f"  {_form(each)}: {each.info}" for each in command.arguments))
        yield from _section("Examples", (f"  {line}" for line in command.examples))
        yield from _section("", [f"It needs the permission {command.right.value}."])


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield lines under a title, if there are any."""
    for number, line in enumerate(lines):
        if not number:
            yield ""
            if title:
                yield title
        yield line


def _usage(command: Command) -> Iterator[str]:
    for argument in command.arguments:
        yield _form(argument) if argument.required else f"[{_form(argument)}]"


def _form(argument: Argument) -> str:
    """Write an argument as it is typed."""
    shown = argument.shown if argument.is_option else argument.name.upper()
    value = f"{shown} ..." if argument.repeated else shown
    return " ".join(filter(None, [argument.name if argument.is_option else "", value]))


def _completion(name: str, members: list[Command]) -> object:
    if members[0].name == name:
        return [_argument(argument) for argument in members[0].arguments]
    return {each.name.partition(" ")[2]: [_argument(argument) for argument in each.arguments] for each in members}


def _argument(argument: Argument) -> dict[str, object]:
    return {
        "name": argument.name if argument.is_option else None,
        "expects_value": bool(argument.shown) or not argument.is_option,
        "possible_values": list(argument.choices or argument.suggestions),
        "can_occur_multiple_times": False,
        "value_hint": "command" if argument.name == "command" else None,
        "help_text": argument.info,
        "option_group": None,
    }
