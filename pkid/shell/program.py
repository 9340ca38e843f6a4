"""What the program `pkid` does: one command, the lines of standard input, or a conversation on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from pkid.shell.exits import EXPECTED, Exit, ShellError, exit_of
from pkid.shell.options import Options, misplaced, resolve
from pkid.shell.programs import local_program
from pkid.shell.quoting import command_line
from pkid.shell.session import begin, tell, write_error

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code.

    :raises KeyboardInterrupt: when the user interrupts it.
    :raises OSError: when what there is to say cannot be written.
    """
    try:
        return _run(resolve(arguments, os.environ))
    except EXPECTED as error:
        tell(error)
        return exit_of(error)


def _run(options: Options) -> int:
    if options.words and options.stdin:
        raise ShellError("there is a command, and --stdin: give one of them", Exit.USAGE)
    program = local_program(_words(options), options)
    if program is not None:
        return program()
    session = begin(options)
    if options.words:
        exit = session.run(command_line(options.words))
        if exit is Exit.FAILED and (hint := misplaced(options.words)):
            write_error(hint)
        return exit
    if options.stdin or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return session.run_all(_lines())
    from pkid.shell.interactive import converse

    return converse(session)


def _words(options: Options) -> list[str]:
    return options.words[0].split() if len(options.words) == 1 else list(options.words)


def _lines() -> Iterator[str]:
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "surrogateescape")
