"""One certificate in files: got, renewed, written, and its readers told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from twisted.application.service import MultiService

from pkid.agent import CertificateService, Core, Credential, Storage
from pkid.installer.command import Command, clean_environment
from pkid.installer.directory import CertificateDirectory
from pkid.installer.hook import Hook
from pkid.installer.status import Status
from pkid.installer.storage import InstalledStorage
from pkid.installer.wanted import WantedCertificate

__all__ = ["Installation"]


class Installation(MultiService):
    """Keeps the files of one certificate current while it runs.

    :param trust: keeps the CA certificate that is trusted.
    :param reactor: spawns the hook.
    :ivar wanted: what the certificate is for, and where it goes.
    """

    def __init__(self, wanted: WantedCertificate, core: Core, trust: Storage, reactor: Any) -> None:
        super().__init__()
        self.setName(wanted.name)
        self.wanted = wanted
        self._core = core
        self.directory = CertificateDirectory(wanted.directory, dict(wanted.links), wanted.access)
        command = Command(reactor, wanted.command, wanted.directory, wanted.timeout) if wanted.command else None
        self._hook = Hook(wanted.name, command, self._environment, self.directory, core.runtime)
        storage = InstalledStorage(self.directory, trust, [part for part, _ in wanted.links])
        self._certificate = CertificateService(core, wanted.subject, storage, wanted.key_type, self._hook.trigger)
        self._hook.setServiceParent(self)
        self._certificate.setServiceParent(self)

    def check(self) -> None:
        """Look at files and clock now, and try at once what is to be tried again."""
        self._certificate.check()

    def status(self) -> Status:
        """Tell how it is."""
        return Status.of(
            self.wanted, self._certificate, self._hook.state, self._hook.error, now=self._core.runtime.now()
        )

    def _environment(self, credential: Credential) -> Mapping[str, str]:
        """Return what the hook is told: nothing that is secret."""
        return clean_environment(os.environ) | {
            "PKID_NAME": self.wanted.name,
            "PKID_DIR": str(self.wanted.directory),
            "PKID_COMMON_NAME": self.wanted.subject.common_name,
            "PKID_SERIAL": f"{credential.certificate.serial_number:x}",
            "PKID_NOT_AFTER": f"{credential.not_after:%Y-%m-%dT%H:%M:%SZ}",
        }
