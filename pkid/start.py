"""How a program of pkid's that cannot start ends: with one line for people, and no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from twisted.logger import Logger

from pkid.errors import PkidError, StateError

__all__ = ["StartFailed", "one_clear_line"]

_log = Logger()


class StartFailed(SystemExit, Exception):
    """The end of a process that could not start, with one line for people.

    It is an ``Exception`` too, because a daemonized twistd tells only of those to the process that waits for it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = 1  # which Python ends with, and prints nothing: the line was printed


@contextmanager
def one_clear_line(program: str) -> Iterator[None]:
    """Turn an error for people, or Ctrl-C, into the end of the process.

    :param program: which the line begins with.
    :raises StartFailed: in its place.
    """
    try:
        yield
    except (StateError, PkidError) as error:
        raise _failed(f"{program}: {error}") from None
    except KeyboardInterrupt:
        raise _failed(f"{program}: interrupted before it was ready; nothing is lost, start it again") from None


def _failed(message: str) -> StartFailed:
    """Say why, once to the log and once to whoever started the program."""
    _log.critical("{message}", message=message)
    if sys.stderr is not sys.__stderr__:  # twistd took it for its log; else the line is there already
        print(message, file=sys.__stderr__)
    return StartFailed(message)
