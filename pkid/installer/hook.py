"""The hook: the command that is run for each new set of files, until it succeeds.

Knows timers and the mark of success; how a command is run is in :mod:`pkid.installer.command`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.agent import Credential, Runtime
from pkid.ca.renewal import retry_delay
from pkid.errors import StateError
from pkid.installer.command import CommandFailed
from pkid.installer.directory import CertificateDirectory

__all__ = ["Hook", "HookState", "Runnable"]


class HookState(Enum):
    """How it is with the hook for the set in use."""

    NONE = "none"
    """There is no hook."""
    WAITING = "waiting"
    """There is no set yet."""
    RUNNING = "running"
    FAILED = "failed"
    """It will be tried again."""
    DONE = "done"


class Runnable(Protocol):
    """What a hook runs: a :class:`pkid.installer.command.Command`."""

    def run(self, environment: Mapping[str, str]) -> Deferred[None]:
        """Run it; fire when it has succeeded, or fail with :class:`CommandFailed`."""

    def stop(self) -> None:
        """Ask it to end, if it runs."""


class Hook(Service):
    """Runs a command for each set of a directory, one at a time; after a failure it is tried again, later each time.

    Success is marked in the directory, so that a set whose hook did not come to its end is not forgotten.

    :param command: what to run, if there is a hook.
    :param environment: gives the environment to run it in, for what the set holds.
    :ivar state: how it is.
    :ivar error: why the last run failed, if it did: a sentence for people.
    """

    _log = Logger()
    _timer: IDelayedCall | None = None
    _under_way: Deferred[None] | None = None
    _credential: Credential | None = None
    _failures = 0

    def __init__(
        self,
        name: str,
        command: Runnable | None,
        environment: Callable[[Credential], Mapping[str, str]],
        directory: CertificateDirectory,
        runtime: Runtime,
    ) -> None:
        self.setName(f"hook of {name}")
        self._command = command
        self._environment = environment
        self._directory = directory
        self._runtime = runtime
        self.state = HookState.NONE if command is None else HookState.WAITING
        self.error: str | None = None

    def trigger(self, credential: Credential) -> None:
        """Run the command now, unless it has succeeded for the set in use.

        :param credential: what that set holds.
        """
        self._credential = credential
        self._failures = 0
        self._wake()

    def stopService(self) -> Deferred[None]:
        """Stop trying; fire when the command does not run any more."""
        super().stopService()
        self._stop_timer()
        if self._command is None or self._under_way is None:
            return succeed(None)
        stopped: Deferred[None] = Deferred()
        self._under_way.addCallback(stopped.callback)
        self._command.stop()
        return stopped

    def _wake(self) -> None:
        self._stop_timer()
        if self.running and self._under_way is None and self._command is not None:
            under_way = self._under_way = Deferred.fromCoroutine(self._settle(self._command))
            under_way.addErrback(self._fault).addCallback(self._rest)

    async def _settle(self, command: Runnable) -> None:
        """Run the command until it has succeeded for the newest set, or has failed."""
        while self.running and (number := await self._runtime.offload(self._open_number)) is not None:
            assert self._credential is not None, "who triggers has one"
            self.state = HookState.RUNNING
            try:
                await command.run(self._environment(self._credential))
                await self._runtime.offload(lambda number=number: self._directory.set_hook_done(number))  # type: ignore[misc]
            except (CommandFailed, StateError) as error:
                self._failed(str(error))
                return
            self._log.info("{hook}: done", hook=self.name)
        if self.running:
            self.state, self.error, self._failures = HookState.DONE, None, 0

    def _open_number(self) -> int | None:
        """Return the number of the set in use if the command has not succeeded for it."""
        number = self._directory.number
        return None if number == self._directory.hook_done else number

    def _rest(self, _: None) -> None:
        """Come back later, if it failed."""
        self._under_way = None
        if self.running and self.state is HookState.FAILED:
            delay = retry_delay(max(self._failures, 1), self._runtime.random())
            self._timer = self._runtime.clock.callLater(delay.total_seconds(), self._wake)

    def _failed(self, problem: str) -> None:
        self._failures += 1
        self.state, self.error = HookState.FAILED, problem
        self._log.error("{hook}: {problem}", hook=self.name, problem=problem)

    def _fault(self, failure: Failure) -> None:
        self._failed("a fault, of which the log tells more")
        self._log.failure("{hook}: a fault", failure, hook=self.name)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
