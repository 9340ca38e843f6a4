"""Puts the agent together: whom it trusts, an installation for each certificate, its status, its signals."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

from pkid.agent import Core, Runtime
from pkid.installer.installation import Installation
from pkid.installer.settings import AgentSettings, CoreSettings
from pkid.installer.socket import StatusSocket
from pkid.installer.status import Status
from pkid.installer.trust import TrustDirectory
from pkid.installer.wanted import WantedCertificate
from pkid.readiness import Readiness
from pkid.settings import SettingsError
from pkid.start import one_clear_line

__all__ = ["Agent", "make_service"]


def make_service(settings: AgentSettings, reactor: Any, resolve: Callable[[], AgentSettings]) -> IService:
    """Return the agent's service; nothing is opened before it starts.

    :param resolve: finds the settings anew, when they are to be read again.
    """
    return Agent(settings, reactor, resolve)


class Agent(MultiService):
    """The agent, from its start to its stop."""

    _log = Logger()
    _former_handler: Any = signal.SIG_DFL
    _reloading = False

    def __init__(self, settings: AgentSettings, reactor: Any, resolve: Callable[[], AgentSettings]) -> None:
        super().__init__()
        self._settings = settings
        self._resolve = resolve
        self._reactor = reactor
        self._directory = TrustDirectory(settings.state)
        self._connect(settings.core)
        self._installations = MultiService()
        self._socket = StatusSocket(settings.socket, self.status, reactor)
        self._readiness = Readiness.from_environment(os.environ, reactor)
        for child in (self._installations, self._socket):
            child.setServiceParent(self)

    def status(self) -> list[Status]:
        """Tell how it is with each certificate, in the order of the settings."""
        installations = {each.wanted: each for each in self._all()}
        return [installations[each].status() for each in self._settings.certificates if each in installations]

    def startService(self) -> None:
        """Check every directory, then begin; the core may come later.

        :raises StartFailed: with one line for people, when something stands in the way.
        """
        with one_clear_line("pkid-agent"):
            self._directory.open()
            self._trust.load_authority()  # now, so that a file that cannot be used stops the start
            if self._introduction is not None:
                self._introduction.read()
            for wanted in self._settings.certificates:
                self._add(wanted).directory.open()
            self._socket.open()
        super().startService()
        self._former_handler = signal.signal(signal.SIGHUP, self._hang_up)
        self._reactor.callWhenRunning(self._announce)

    def stopService(self) -> Deferred[None]:
        """Stop everything; a hook that runs is ended, and will run again after the next start."""
        return Deferred.fromCoroutine(self._stop())

    async def reload(self) -> None:
        """Read the settings again and check everything at once; what did not change goes on."""
        if self._reloading or not self.running:
            return
        self._log.info("reloading")
        self._reloading = True
        self._readiness.reloading()
        try:
            await self._change(self._resolve())
        except SettingsError as error:
            self._log.error("the settings cannot be used, so the old ones stay: {error}", error=error)
        finally:
            self._reloading = False
        for installation in self._all():
            installation.check()
        self._readiness.reloaded()

    async def _change(self, settings: AgentSettings) -> None:
        """Stop what is not wanted any more, and begin what is new."""
        former, self._settings = self._settings, settings
        if (settings.state, settings.socket) != (former.state, former.socket):
            self._log.warn("--state and --socket change with the next start only")
        for installation in self._all():
            if settings.core != former.core or installation.wanted not in settings.certificates:
                await self._remove(installation)
        if settings.core != former.core:
            self._connect(settings.core)
        known = [installation.wanted for installation in self._all()]
        for wanted in settings.certificates:
            if wanted not in known and self.running:
                self._add(wanted)

    def _connect(self, settings: CoreSettings) -> None:
        self._trust = self._directory.storage(settings.ca_cert)
        runtime = Runtime.of(self._reactor)
        self._introduction = settings.introduction
        self._core = Core(
            settings.url, settings.psk, self._trust, runtime, settings.ca_fingerprint, introduction=self._introduction
        )

    def _all(self) -> list[Installation]:
        return list(self._installations)

    def _add(self, wanted: WantedCertificate) -> Installation:
        installation = Installation(wanted, self._core, self._trust, self._reactor)
        installation.setServiceParent(self._installations)
        return installation

    async def _remove(self, installation: Installation) -> None:
        await maybeDeferred(installation.disownServiceParent)
        installation.directory.close()

    def _announce(self) -> None:
        """Say that the agent is ready, but not before the reactor can take a signal to stop."""
        if self.running:
            self._readiness.setServiceParent(self)

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(lambda: Deferred.fromCoroutine(self.reload()))

    async def _stop(self) -> None:
        self.running = 0
        for child in reversed(list(self)):
            await maybeDeferred(child.stopService)
        for installation in self._all():
            installation.directory.close()
        self._directory.close()
        signal.signal(signal.SIGHUP, self._former_handler)
