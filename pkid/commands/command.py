"""What a command is: its name, its arguments, the right that it needs, its help, and what it does and gives."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pkid.auth.credentials import Right
from pkid.ca.policy import Policy
from pkid.inventory.results import Item, Results, Selection

__all__ = ["Argument", "Call", "Command", "File", "Item", "Output"]

_NOTHING = Selection()


@dataclass(frozen=True, slots=True)
class File:
    """A file that a command gives; it has a name and never a path, and exists in memory only."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Output:
    """What a command gives: items or files.

    :ivar results: items that are read when they are asked for; they stand for ``items``, which are few.
    """

    items: tuple[Item, ...] = ()
    files: tuple[File, ...] = ()
    results: Results | None = None

    def all(self) -> Results:
        """Return the items, wherever they are."""
        return Selection(self.items) if self.results is None else self.results


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of a command.

    :ivar name: ``--common-name``, or ``lines`` for one that has only a place.
    :ivar shown: what stands for its value in the help; nothing for a switch, which takes none.
    :ivar read: makes the value from a word; a :class:`ValueError` or a :class:`~pkid.errors.PkidError` refuses it.
    :ivar repeated: whether it takes several words.
    :ivar choices: the only words that it can be.
    :ivar suggestions: words that stand in it often, for the shells' completion.
    :ivar whole: whether it is all the text behind the command's name, as written, quotes too; then it is the only one.
    """

    name: str
    info: str
    shown: str = ""
    read: Callable[[str], object] = str
    required: bool = False
    repeated: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    default: object = None

    @property
    def is_option(self) -> bool:
        """Whether it goes by its name and not by its place."""
        return self.name.startswith("-")


@dataclass(frozen=True, slots=True)
class Call:
    """A command's call: its arguments, read; whose, from where; and what the command before it gives.

    :ivar credential: by what the caller came in.
    :ivar policy: which names the caller may ask for.
    """

    arguments: Namespace
    credential: str
    policy: Policy
    peer: str
    given: Results = _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    :ivar name: one word, or up to three: those before the last are then groups'.
    :ivar also: another name for it, of one word.
    :ivar info: what it does, in one line.
    :ivar right: what a caller must be allowed.
    :ivar run: does it.
    :ivar details: more for its help, in lines.
    :ivar examples: what to type, and perhaps what comes of it, in lines.
    :ivar takes_items: whether it stands behind a ``|``, and only there.
    :ivar gives_files: whether it gives files, which no command takes.
    """

    name: str
    info: str
    right: Right
    run: Callable[[Call], Awaitable[Output]]
    arguments: tuple[Argument, ...] = ()
    details: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    takes_items: bool = False
    gives_files: bool = False
    also: str = ""

    @property
    def group(self) -> str:
        """The first word of its name."""
        return self.name.partition(" ")[0]

    @property
    def needs_arguments(self) -> bool:
        """Whether it can do nothing without arguments."""
        return any(argument.required for argument in self.arguments)
