"""How the program ends: its exit codes, and which of them each error means."""

from __future__ import annotations

from enum import IntEnum
from http import HTTPStatus

from pkid.answers import Busy, CoreError, Rejected
from pkid.auth.component import WrongPreSharedKey
from pkid.ca.trust import TrustError
from pkid.errors import StateError

__all__ = ["EXPECTED", "Exit", "ShellError", "exit_of"]


class Exit(IntEnum):
    """An exit code, for scripts."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNAUTHENTICATED = 3
    UNREACHABLE = 4
    BUSY = 5
    INTERRUPTED = 130


class ShellError(Exception):
    """The program cannot do what it should: one sentence for people.

    :ivar exit: what the program ends with.
    """

    def __init__(self, sentence: str, exit: Exit = Exit.FAILED) -> None:
        self.exit = exit
        super().__init__(sentence)


EXPECTED = (ShellError, CoreError, TrustError, StateError)
"""The errors that are told in one sentence; any other is a mistake of the program."""


def exit_of(error: Exception) -> Exit:
    """Return what the program ends with after one of the :data:`EXPECTED` errors."""
    match error:
        case ShellError():
            return error.exit
        case StateError():
            return Exit.USAGE
        case Rejected(status=HTTPStatus.UNAUTHORIZED) | WrongPreSharedKey():
            return Exit.UNAUTHENTICATED
        case Rejected():
            return Exit.FAILED
        case Busy():
            return Exit.BUSY
    return Exit.UNREACHABLE
