"""One run of a command in a process of its own, with an end to everything: time, output, patience.

Knows processes; must not know what the command is for, and never tries twice.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

__all__ = ["Command", "CommandFailed", "clean_environment"]

_MERCY = 5.0  # seconds between asking a command to end and ending it
_PIPES = 1.0  # seconds that the output stays open to those whom the command leaves behind
_MOST_OUTPUT = 1024  # bytes; of the last
_SECRET = ("PKID_", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_", "INVOCATION_ID")


class CommandFailed(Exception):
    """A command did not succeed: a sentence for people, with the end of what the command said."""


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command: without what pkid and the service manager tell the agent alone."""
    return {name: value for name, value in environ.items() if not name.startswith(_SECRET)}


class Command:
    """A command that can be run, once at a time.

    :param reactor: spawns the process and times it.
    :param words: the program and its arguments; no shell sees them.
    :param directory: where it runs.
    :param timeout: how long it may take.
    """

    def __init__(self, reactor: Any, words: Sequence[str], directory: Path, timeout: timedelta) -> None:
        self._reactor = reactor
        self._words = words
        self._directory = directory
        self._timeout = timeout
        self._run: _Run | None = None

    def run(self, environment: Mapping[str, str]) -> Deferred[None]:
        """Run it; fire when it has succeeded.

        Fails with :class:`CommandFailed` otherwise, a few seconds after the timeout at the latest.
        """
        name = self._words[0]
        program = shutil.which(name, path=environment.get("PATH", os.defpath))
        run = self._run = _Run(self._reactor, name, self._timeout)
        if program is None:
            run.fail("is no program that can be found")
            return run.done
        try:
            self._reactor.spawnProcess(run, program, list(self._words), dict(environment), str(self._directory))
        except OSError as error:
            run.fail(f"cannot be run ({error.strerror})")
        return run.done

    def stop(self) -> None:
        """Ask it to end, if it runs; then it fails."""
        if self._run is not None:
            self._run.stop("was stopped")


class _Run(ProcessProtocol):
    """A command from its start to its end."""

    _timer: IDelayedCall | None = None
    _stopped = ""

    def __init__(self, clock: IReactorTime, name: str, timeout: timedelta) -> None:
        self.done: Deferred[None] = Deferred()
        self._clock = clock
        self._name = name
        self._timeout = timeout
        self._output = b""

    def connectionMade(self) -> None:
        """Give it nothing to read, and only so much time."""
        self._process.closeStdin()
        self._set_timer(self._timeout.total_seconds(), self._time_out)

    def outReceived(self, data: bytes) -> None:
        """Keep the end of what it says."""
        self._output = (self._output + data)[-_MOST_OUTPUT:]

    errReceived = outReceived

    def processExited(self, reason: Failure) -> None:
        """Wait for the rest of the output, but not for ever: what it left behind may hold the pipe."""
        self._set_timer(_PIPES, self._process.loseConnection)

    def processEnded(self, reason: Failure) -> None:
        """Tell how it ended."""
        self._set_timer(None)
        if self._stopped:
            self.fail(self._stopped)
        elif reason.check(ProcessDone):
            self.done.callback(None)
        else:
            self.fail(_ending(reason.value))

    def fail(self, problem: str) -> None:
        """End with this problem."""
        said = self._output.decode(errors="replace").strip()
        last = f": {said.splitlines()[-1]}" if said else ""
        self.done.errback(CommandFailed(f"{self._name} {problem}{last}"))

    @property
    def _process(self) -> Any:
        return self.transport

    def _time_out(self) -> None:
        self.stop(f"did not end within {self._timeout.total_seconds():g} seconds")

    def stop(self, problem: str) -> None:
        """Ask it to end, and end it if it does not."""
        if not self._stopped and not self.done.called:
            self._stopped = problem
            self._signal("TERM")
            self._set_timer(_MERCY, lambda: self._signal("KILL"))

    def _signal(self, name: str) -> None:
        try:
            self._process.signalProcess(name)
        except ProcessExitedAlready:
            pass  # processEnded will tell

    def _set_timer(self, seconds: float | None, act: Any = None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None if seconds is None else self._clock.callLater(seconds, act)


def _ending(error: BaseException | None) -> str:
    if isinstance(error, ProcessTerminated) and error.signal is not None:
        return f"was ended by signal {error.signal}"
    return f"ended with status {getattr(error, 'exitCode', '?')}"
