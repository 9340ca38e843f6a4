"""The interpreter: everything that was asked is understood and allowed before anything is done."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

from pkid.auth.credentials import IMember, Right
from pkid.commands.arguments import read_arguments
from pkid.commands.catalogue import Catalogue
from pkid.commands.command import Call, Command, Output
from pkid.commands.language import CommandLine, parse
from pkid.errors import Malformed, Reason

__all__ = ["Interpreter", "MissingRight", "Program"]

_Line = tuple[tuple[Command, Namespace], ...]


class MissingRight(Exception):
    """The caller may not do this.

    :ivar right: what it would need.
    """

    def __init__(self, right: Right) -> None:
        self.right = right
        super().__init__(f"missing permission: {right.value}")


@dataclass(frozen=True, slots=True)
class Program:
    """What was asked, understood and allowed: lines of commands with their arguments, for one member at one peer."""

    lines: tuple[_Line, ...]
    member: IMember
    peer: str

    @property
    def names(self) -> str:
        """The commands' names, as they were connected."""
        return "; ".join(" | ".join(command.name for command, _ in line) for line in self.lines)

    async def run(self) -> list[Output]:
        """Run the lines, one after the other, and return what each gives.

        :raises PkidError: when one of the commands fails; the lines before it are done.
        """
        return [await self._run_line(line) for line in self.lines]

    async def _run_line(self, line: _Line) -> Output:
        output = Output()
        for command, arguments in line:
            call = Call(arguments, self.member.credential, self.member.policy, self.peer, output.all())
            output = await command.run(call)
        return output


class Interpreter:
    """Understands commands, and says who may run them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def prepare(self, text: str, member: IMember, peer: str) -> Program:
        """Read the command lines of a text, for a member.

        :param peer: the address that it came from.
        :raises Malformed: when the text cannot be understood.
        :raises MissingRight: when the member may not do all of it.
        """
        return Program(tuple(self._line(line, member) for line in parse(text)), member, peer)

    def _line(self, line: CommandLine, member: IMember) -> _Line:
        prepared: list[tuple[Command, Namespace]] = []
        for invocation in line.commands:
            command, words = self.catalogue.find(invocation.words)
            _check_place(command, prepared[-1][0] if prepared else None)
            if command.right not in member.rights:
                raise MissingRight(command.right)
            prepared.append((command, read_arguments(command, words, invocation.argument_text)))
        return tuple(prepared)


def _check_place(command: Command, before: Command | None) -> None:
    """Refuse a filter that stands first, any other command that does not, and a filter behind files."""
    if command.takes_items and before is None:
        raise Malformed(Reason.COMMAND, f"{command.name} takes what another command gives: put one and a | before it")
    if not command.takes_items and before is not None:
        raise Malformed(Reason.COMMAND, f"{command.name} takes nothing from the command before the |: use ; instead")
    if before is not None and before.gives_files:
        raise Malformed(Reason.COMMAND, f"{before.name} gives files, and {command.name} cannot take them")
