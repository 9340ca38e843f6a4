"""The program `pkid` from its start to its end: its streams, the signals that end it, and its exit code.

Imports little before it is ready for an interrupt.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

__all__ = ["main"]

_FAILED, _INTERRUPTED = 1, 130
_ENDING = (signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say, by default those of the process; return the exit code.

    What is half done is undone first, whatever ends it.
    """
    try:
        _prepare()
        from pkid.shell.program import run

        code = run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _end_by(signal.SIGPIPE)
    except _Signalled as signalled:
        _end_by(signalled.number)
    except OSError as error:
        _say_no_more()
        sys.stderr.write(f"pkid: standard output cannot be written ({error.strerror})\n")
    else:
        return code
    return _FAILED


class _Signalled(SystemExit):
    """A signal came that ends the program; an event loop lets nothing else through that is no ``Exception``."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


def _prepare() -> None:
    """Have all three streams, whatever they can show, and an end for which what is begun is taken back."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # for as long as the process lives, as the others
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
        getattr(sys, name).reconfigure(errors="replace")
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    raise _Signalled(number)


def _end_by(number: int) -> None:
    """End as other programs do by this signal; Python would have to say something at its end."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _say_no_more() -> None:
    """Let what could not be written go, or Python would try it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
