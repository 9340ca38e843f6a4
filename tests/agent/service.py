"""A certificate service in memory, for the tests that watch it."""

from __future__ import annotations

from datetime import timedelta

from pkid.agent import CertificateService, Credential, MemoryStorage
from tests.agent.case import AgentCase

__all__ = ["DAY", "SECOND", "ServiceCase"]

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class ServiceCase(AgentCase):
    def setUp(self) -> None:
        super().setUp()
        self.storage = MemoryStorage()

    def service(self, subject: str = "web.example", start: bool = True) -> CertificateService:
        """Return a service that began: everything happened that needs no time."""
        service = self.memory_core.certificate_service(subject, self.storage)
        if start:
            self.start(service)
        return service

    def start(self, service: CertificateService) -> None:
        service.startService()
        self.addCleanup(self.stop, service)
        self.clock.advance(0)

    def stop(self, service: CertificateService) -> None:
        if service.running:
            service.stopService()

    def held(self, service: CertificateService) -> Credential:
        credential = service.credential
        assert credential is not None
        return credential

    def move_to_end(self, service: CertificateService, before: timedelta) -> None:
        """Move the clock, in one leap, to so long before the end of the certificate that is held."""
        left = self.held(service).not_after - before - self.memory_core.now()
        self.clock.advance(left.total_seconds())

    def credentials(self) -> list[str]:
        """Return what each certificate was obtained with: ``psk`` or ``certificate``."""
        return ["psk" if entry.renews is None else "certificate" for entry in self.memory_core.store.entries]
