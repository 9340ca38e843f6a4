"""The command line of a component: options from its table of settings, and the help about them."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from getopt import GetoptError
from typing import Any, ClassVar, NoReturn

from twisted.python import usage

from pkid import __version__
from pkid.settings import Component, Setting

__all__ = ["ComponentOptions"]

_COLUMN = 28
_NARROWEST = 60


class ComponentOptions(usage.Options):
    """The options of a component that ``twistd`` runs: one for each of its settings.

    A class that derives from this one names its component, says what it is and what one needs to know of it, and
    resolves the settings when the options are parsed.
    """

    component: ClassVar[Component]
    about: ClassVar[str]
    """What the help begins with."""
    notes: ClassVar[str]
    """What the help ends with."""
    program: ClassVar[str]
    """Its name among twistd's commands."""
    synopsis = "[options]"
    optFlags: ClassVar[list[list[Any]]] = []
    optParameters: ClassVar[list[list[Any]]] = []
    _refused = False

    def __init_subclass__(cls) -> None:
        """Make an option of each setting."""
        settings = cls.component.settings
        cls.optFlags = [[setting.name, None, setting.help] for setting in settings if not setting.metavar]
        cls.optParameters = [
            [setting.name, setting.short or None, None, setting.help]
            for setting in settings
            if setting.metavar and not setting.repeatable
        ]
        for setting in settings:
            if setting.repeatable:
                setattr(cls, f"opt_{setting.name.replace('-', '_')}", _collector(setting))

    @property
    def given(self) -> dict[str, Any]:
        """The flags that were given, by the setting's name."""
        names = {setting.name for setting in self.component.settings}
        return {name: value for name, value in self.items() if name in names and value not in (None, 0)}

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse the options; after a mistake the help, which twistd prints as well, is one line.

        :raises UsageError: when they cannot be used.
        """
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            self._refused = True
            raise usage.UsageError(f"{error}{self._meant(error)}") from None

    def _meant(self, error: usage.UsageError) -> str:
        """Say which option an unknown one is like, if it is like one."""
        names = [setting.name for setting in self.component.settings]
        match error.__context__:
            case GetoptError(opt=name) if name not in names:
                return "".join(f"; did you mean --{near}?" for near in get_close_matches(name, names, n=1))
        return ""

    def opt_version(self) -> NoReturn:
        """Display the version of pkid and exit."""
        print(f"pkid {__version__}")
        sys.exit(0)

    def parseArgs(self, *arguments: str) -> None:
        """Refuse arguments; they are not repeated, because one may be a piece of an unquoted key."""
        if arguments:
            raise usage.UsageError(f"{len(arguments)} arguments belong to no option; quote a value that holds spaces")

    def __repr__(self) -> str:
        """Show no values: one may be the pre-shared key."""
        return f"<Options of pkid's {self.component.name}>"

    def getUsage(self, width: int | None = None) -> str:
        """Write the help: the settings by group, then what one needs to know about them."""
        if self._refused:
            return f"twistd {self.program} --help explains every option."
        columns = max(width or shutil.get_terminal_size().columns, _NARROWEST)
        lines = [self.about]
        for title, group in self.component.groups.items():
            lines += [f"{title}:", *(_describe(_spell(setting), _explain(setting), columns) for setting in group), ""]
        lines += ["Information:", _describe("--help", "show this and exit", columns)]
        lines += [_describe("--version", "show the version of pkid and exit", columns), "", self.notes.rstrip()]
        return "\n".join(lines)


def _collector(setting: Setting[Any]) -> Callable[[ComponentOptions, str], None]:
    """Return a method that takes note of each value of a flag."""

    def collect(self: ComponentOptions, value: str) -> None:
        self.setdefault(setting.name, []).append(value)

    collect.__doc__ = setting.help
    return collect


def _spell(setting: Setting[Any]) -> str:
    short = f"-{setting.short}, " if setting.short else ""
    return f"{short}{setting.flag} {setting.metavar}".rstrip()


def _explain(setting: Setting[Any]) -> str:
    return f"{setting.help} [{setting.default}]" if setting.metavar and setting.default else setting.help


def _describe(option: str, explanation: str, columns: int) -> str:
    start = f"  {option}  ".ljust(_COLUMN)
    return textwrap.fill(start + explanation, columns, subsequent_indent=" " * _COLUMN, break_on_hyphens=False)
