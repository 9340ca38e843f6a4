"""The program `pkid`: one command, the lines of standard input, or a conversation on a terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence

from pkid.shell.exits import EXPECTED, Exit, ShellError, exit_of
from pkid.shell.options import Options, resolve
from pkid.shell.programs import local_program
from pkid.shell.quoting import command_line
from pkid.shell.session import begin, tell, write_error

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say, by default those of the process; return the exit code."""
    try:
        return _main(sys.argv[1:] if arguments is None else arguments)
    except EXPECTED as error:
        tell(error)
        return exit_of(error)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _end_as_by_sigpipe()
        return Exit.FAILED
    except OSError as error:
        write_error(f"standard output cannot be written ({error.strerror})")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would be tried again at the end
        return Exit.FAILED


def _main(arguments: Sequence[str]) -> int:
    options = resolve(arguments, os.environ)
    if options.words and options.stdin:
        raise ShellError("there is a command, and --stdin: give one of them", Exit.USAGE)
    program = local_program(_words(options), options)
    if program is not None:
        return program()
    session = begin(options)
    if options.words:
        return session.run(command_line(options.words))
    if options.stdin or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return session.run_all(_lines())
    from pkid.shell.interactive import converse

    return converse(session)


def _words(options: Options) -> list[str]:
    return options.words[0].split() if len(options.words) == 1 else list(options.words)


def _lines() -> Iterator[str]:
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "surrogateescape")


def _end_as_by_sigpipe() -> None:
    """End as other programs do when nobody reads what they write; Python would have to say something at its end."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
