"""A session: one core, one place for texts, one for files; command lines are run in it, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from pkid.shell.core import Core
from pkid.shell.downloads import Downloads
from pkid.shell.exits import EXPECTED, Exit, ShellError, exit_of
from pkid.shell.kinds import Format
from pkid.shell.options import Options
from pkid.shell.output import Pipe, Writer, checked, write_answer
from pkid.shell.programs import local_program
from pkid.shell.progress import waiting
from pkid.shell.screen import Screen, printable
from pkid.shell.trust import is_on_this_machine, located, trusted_core

__all__ = ["Session", "begin", "is_farewell", "tell", "write_error"]

_RED, _PLAIN = "\x1b[31m", "\x1b[0m"
_FAREWELLS = ("exit", "quit")
_FATAL = (Exit.UNAUTHENTICATED, Exit.UNREACHABLE)
_WARNING = "PKID-Warning"
_LONGEST_WARNING = 200  # characters
_SEPARATED = (Format.TEXT, Format.NDJSON)


@dataclass(slots=True)
class Session:
    """What command lines are run in.

    :ivar core: where they are sent.
    :ivar writer: where their texts go.
    :ivar downloads: where their files go.
    :ivar format: what the core is asked for.
    """

    core: Core
    writer: Writer
    downloads: Downloads
    format: Format
    options: Options
    _warned: frozenset[str] = frozenset()

    def run(self, line: str) -> Exit:
        """Run a command line, and tell what goes wrong; return what the program would end with.

        :raises BrokenPipeError: when nobody reads what is written.
        """
        try:
            program = local_program(line.split(), self.options)
            if program is not None:
                return Exit(program())
            self._run(line)
        except EXPECTED as error:
            tell(error, self.options.color)
            return exit_of(error)
        return Exit.DONE

    def run_all(self, lines: Iterable[str]) -> Exit:
        """Run lines until one bids farewell, or the core cannot be asked; return what the first failure means."""
        first = Exit.DONE
        for line in lines:
            if is_farewell(line):
                break
            exit = self.run(line) if line.strip() else Exit.DONE
            first = first or exit
            if exit in _FATAL:
                break
        return first

    def _run(self, line: str) -> None:
        with waiting(sys.stderr, self.options.color) as progress, self.core.execute(line, self.format.value) as answer:
            if isinstance(self.writer, Screen):
                progress.end()
            self._warn(answer.headers.get_all(_WARNING, []))
            if answer.status == HTTPStatus.UNAUTHORIZED and not self.core.psk:
                raise ShellError("the core wants a pre-shared key: give it with --psk-file", Exit.UNAUTHENTICATED)
            separator = "---" if self.format in _SEPARATED else ""
            read = progress.counted(checked(answer).read)
            write_answer(answer.headers, read, self.writer, self.downloads, separator)

    def _warn(self, warnings: list[str]) -> None:
        """Tell once what a core says that it goes without."""
        if not self._warned.issuperset(warnings):
            self._warned = frozenset(warnings)
            write_error(f"the core warns: {', '.join(warnings)[:_LONGEST_WARNING]}")


def begin(options: Options) -> Session:
    """Find the core and the key, begin to trust the core, and see where texts go.

    :raises ShellError: when there is neither a key nor anything to trust.
    :raises TrustError: when what answers is not to be trusted.
    :raises CoreError: when the core cannot be asked.
    :raises StateError: when a file cannot be used.
    """
    options = located(options)
    if options.core.scheme == "http" and not is_on_this_machine(options.core):
        write_error(f"everybody on the way to {options.core} can read, and change, what comes")
    core = trusted_core(options)
    downloads = Downloads(options.download_directory, options.force)
    if sys.stdout.isatty():
        return Session(core, Screen(sys.stdout, options.color), downloads, options.format or Format.NDJSON, options)
    return Session(core, Pipe(sys.stdout.buffer), downloads, options.format or Format.TEXT, options)


def is_farewell(line: str) -> bool:
    """Tell whether a line ends the session."""
    return line.strip() in _FAREWELLS


def tell(error: Exception, color: bool = False) -> None:
    """Say on standard error what went wrong."""
    write_error(str(error), color)


def write_error(sentence: str, color: bool = False) -> None:
    """Write a line on standard error, in red if that is a terminal with colours."""
    line = f"pkid: {printable(sentence)}"
    sys.stderr.write(f"{_RED}{line}{_PLAIN}\n" if color and sys.stderr.isatty() else f"{line}\n")
    sys.stderr.flush()
