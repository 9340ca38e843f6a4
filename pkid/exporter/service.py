"""Puts the exporter together: a view of the core, a certificate of its own, a door with one page."""

from __future__ import annotations

import os
import time
from http import HTTPStatus
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, maybeDeferred

from pkid.agent import Core, Runtime
from pkid.agent.directory import ComponentDirectory
from pkid.auth.keyring import Keyring
from pkid.door import Door
from pkid.errors import StateError
from pkid.exporter.identity import Identity, given_identity, renewed_identity
from pkid.exporter.metrics import ExporterMetrics
from pkid.exporter.observation import Observation
from pkid.exporter.settings import MetricsSettings
from pkid.exporter.storage import make_storage
from pkid.files import PUBLIC, write_atomically
from pkid.limits import raise_file_limit
from pkid.metrics.exposition import Exposition
from pkid.readiness import Readiness
from pkid.start import one_clear_line
from pkid.web.metrics import UnprotectedMetricsPage
from pkid.web.rendering import Answer, OpenPage, Routes
from pkid.web.request import BoundedRequest
from pkid.web.site import Site
from pkid.web.system import PingPage

__all__ = ["Exporter", "make_service"]

_MOST_PER_PEER = 256
_PATIENCE = 10.0  # seconds that answers in flight have when the exporter stops


def make_service(settings: MetricsSettings, reactor: Any) -> IService:
    """Return the exporter's service; nothing is opened before it starts."""
    return Exporter(settings, reactor)


class Exporter(MultiService):
    """The exporter, from its start to its stop."""

    def __init__(self, settings: MetricsSettings, reactor: Any) -> None:
        super().__init__()
        self._settings = settings
        self._reactor = reactor
        self._directory = ComponentDirectory(settings.state)
        self._storage = make_storage(settings.state, settings.ca_cert)
        core = Core(settings.core, settings.psk, self._storage, Runtime.of(reactor), settings.ca_fingerprint)
        self._identity = self._identify(core) if settings.tls else None
        observation = Observation(lambda request: Deferred.fromCoroutine(core.ask(request)), reactor, settings.interval)
        self._site = Site(reactor, min(raise_file_limit() // 2, _MOST_PER_PEER))
        self._site.serve(self._routes(observation))
        tls = None if self._identity is None else self._identity.tls
        self._door = Door("metrics", settings.listen, self._site, tls, reactor, flag="--listen")
        if self._identity is not None:
            self._identity.service.setServiceParent(self)
        for child in (observation, self._door):
            child.setServiceParent(self)

    def privilegedStartService(self) -> None:
        """Bind the port; twistd sheds privileges after this."""
        with one_clear_line("pkid-metrics"):
            self._door.open()
        super().privilegedStartService()

    def startService(self) -> None:
        """Serve at once; the core may come later.

        :raises StartFailed: with one line for people, when something stands in the way.
        """
        with one_clear_line("pkid-metrics"):
            self._directory.open()
            self._storage.load_authority()  # now, so that a file that cannot be used stops the start
            if self._identity is not None:
                self._identity.open()
            self._door.open()
            self._save_address()
        super().startService()
        self._reactor.callWhenRunning(self._announce)

    def stopService(self) -> Deferred[None]:
        """Finish what is in flight, then close everything, the last opened first."""
        return Deferred.fromCoroutine(self._stop())

    def _routes(self, observation: Observation) -> Routes:
        metrics = ExporterMetrics(observation, self._certificate_end)
        page = UnprotectedMetricsPage(Exposition(metrics.registry, observation.refresh))
        return Routes({"/metrics": page, "/system/ping": PingPage()}, NoPage(), Keyring((), time.time))

    def _identify(self, core: Core) -> Identity:
        own = self._settings.own
        if own.certificate is not None:
            return given_identity(own, core.runtime)
        return renewed_identity(self._settings, core, self._storage)

    def _certificate_end(self) -> float | None:
        end = None if self._identity is None else self._identity.end()
        return None if end is None else end.timestamp()

    def _save_address(self) -> None:
        path = self._settings.state / "addresses"
        try:
            write_atomically(path, f"{self._door.name} {self._door.address}\n".encode(), PUBLIC)
        except OSError as error:
            raise StateError(path, f"cannot be written ({error.strerror})", "let its user write there") from None

    def _announce(self) -> None:
        """Say that the exporter is ready, but not before the reactor can take a signal to stop."""
        if self.running:
            Readiness.from_environment(os.environ, self._reactor).setServiceParent(self)

    async def _stop(self) -> None:
        self.running = 0
        for child in reversed(list(self)):
            await maybeDeferred(child.stopService)
            if child is self._door:
                await self._site.finish(_PATIENCE)
        self._directory.close()


class NoPage(OpenPage):
    """What stands at every path without a page."""

    async def respond(self, request: BoundedRequest) -> Answer:
        """Answer, by any method, that there is nothing."""
        return Answer.of_status(HTTPStatus.NOT_FOUND)
