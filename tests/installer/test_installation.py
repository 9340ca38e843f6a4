"""One certificate in files, with a core in memory: got, renewed, told, brought back; and what the status says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cryptography import x509
from twisted.internet.defer import Deferred, fail, succeed

from pkid.agent import CertificateService, MemoryStorage
from pkid.ca.enrollment import Subject
from pkid.ca.keys import KeyType
from pkid.installer import installation as module
from pkid.installer.command import CommandFailed
from pkid.installer.installation import Installation
from pkid.installer.parts import ALWAYS
from pkid.installer.sets import Access
from pkid.installer.wanted import WantedCertificate
from pkid.testing import MemoryCore
from tests.support import Case

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Telling:
    """A command that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, str]] = []
        self.failing = False

    def run(self, environment: Mapping[str, str]) -> Deferred[None]:
        self.told.append(environment)
        return fail(CommandFailed("tell ended with status 1")) if self.failing else succeed(None)

    def stop(self) -> None: ...


class InstallationCase(Case):
    def setUp(self) -> None:
        self.memory_core = MemoryCore(lifetime=timedelta(days=30))
        self.clock = self.memory_core.clock
        self.path = Path(self.mktemp()).resolve()
        self.trust = MemoryStorage()
        self.command = Telling()
        self.told = self.command.told

    def make(self, command: bool = True, begin: bool = True) -> Installation:
        """Return an installation that began: everything happened that needs no time."""
        wanted = WantedCertificate(
            "web", Subject.of("web.example", ["a.example"], ["10.0.0.1"], "web"), KeyType.P256, self.path,
            tuple((part, self.path / part.file_name) for part in ALWAYS), Access(),
            ("tell",) if command else (), MINUTE,
        )  # fmt: skip
        core = self.memory_core.core(self.trust)
        with patch.object(module, "Command", lambda *_: self.command):
            installation = Installation(wanted, core, self.trust, None)
        if begin:
            installation.startService()
            self.addCleanup(self.end, installation)
            self.clock.advance(0)
        return installation

    def end(self, installation: Installation) -> None:
        if installation.running:
            installation.stopService()
        installation.directory.close()

    def certificate(self) -> x509.Certificate:
        """Return the one that programs read."""
        return x509.load_pem_x509_certificate((self.path / "fullchain.pem").read_bytes())

    def advance(self, span: timedelta, step: timedelta = HOUR) -> None:
        self.clock.pump([step.total_seconds()] * (span // step))


class LifeTests(InstallationCase):
    def test_a_certificate_stands_in_files_and_its_reader_is_told(self) -> None:
        self.make()
        self.assertEqual([self.certificate()], self.memory_core.issued)
        (told,) = self.told
        self.assertEqual(
            {name: value for name, value in told.items() if name.startswith("PKID_")},
            {
                "PKID_NAME": "web",
                "PKID_DIR": str(self.path),
                "PKID_COMMON_NAME": "web.example",
                "PKID_SERIAL": f"{self.certificate().serial_number:x}",
                "PKID_NOT_AFTER": "2030-01-31T00:00:00Z",
            },
        )

    def test_each_renewal_is_written_and_told(self) -> None:
        self.make()
        self.advance(timedelta(days=100))
        self.assertEqual(len(self.memory_core.issued), 4)
        self.assertEqual(self.certificate(), self.memory_core.issued[-1])
        self.assertEqual([told["PKID_SERIAL"] for told in self.told],
                         [f"{each.serial_number:x}" for each in self.memory_core.issued])  # fmt: skip

    def test_another_start_uses_what_is_there_and_tells_nobody(self) -> None:
        self.end(self.make())
        self.make()
        self.assertEqual((len(self.memory_core.issued), len(self.told)), (1, 1))

    def test_files_that_are_gone_come_back_when_it_is_checked(self) -> None:
        installation = self.make()
        for victim in ("key.pem", "live/key.pem", "live"):
            (self.path / victim).unlink()
            installation.check()
            self.clock.advance(0)
            self.assertEqual(self.certificate(), self.memory_core.issued[-1])
            self.assertTrue((self.path / "key.pem").exists())
        self.assertEqual(len(self.memory_core.issued), 1)

    def test_a_directory_that_cannot_be_written_is_tried_again(self) -> None:
        self.path.write_text("in the way")
        installation = self.make()
        self.assertIn("cannot be used (File exists)", installation.status().error or "")
        self.path.unlink()
        self.advance(MINUTE, timedelta(seconds=1))
        self.assertEqual(self.certificate(), self.memory_core.issued[-1])
        self.assertEqual((len(self.memory_core.issued), installation.status().error), (1, None))


class StatusTests(InstallationCase):
    def status(self, installation: Installation) -> dict[str, Any]:
        line = installation.status().line()
        self.assertEqual(line.count(b"\n"), 1)
        loaded: dict[str, Any] = json.loads(line)
        return loaded

    def test_all_is_well(self) -> None:
        status = self.status(self.make())
        self.assertEqual(
            status,
            {
                "name": "web", "common_name": "web.example", "directory": str(self.path), "state": "valid",
                "names": ["a.example", "10.0.0.1", "spiffe://pkid.internal/web"],
                "serial": f"{self.certificate().serial_number:x}",
                "not_after": "2030-01-31T00:00:00Z", "next_renewal": "2030-01-30T00:00:00Z",
                "error": None, "hook": "done", "hook_error": None, "ok": True,
            },
        )  # fmt: skip

    def test_none_yet(self) -> None:
        self.memory_core.reachable = False
        status = self.status(self.make())
        self.assertEqual((status["state"], status["serial"], status["hook"]), ("missing", None, "waiting"))
        self.assertFalse(status["ok"])
        self.assertIn("core.example", status["error"])

    def test_one_that_is_not_written_yet_is_not_well(self) -> None:
        installation = self.make()
        with patch.object(CertificateService, "kept", False):
            status = self.status(installation)
        self.assertEqual((status["state"], status["error"], status["ok"]), ("valid", None, False))

    def test_expired(self) -> None:
        installation = self.make()
        self.memory_core.reachable = False
        self.advance(timedelta(days=30) - HOUR)
        status = self.status(installation)
        self.assertEqual((status["state"], status["ok"]), ("valid", False))
        self.advance(HOUR)
        self.assertEqual(self.status(installation)["state"], "expired")

    def test_a_hook_that_failed(self) -> None:
        self.command.failing = True
        installation = self.make()
        status = self.status(installation)
        self.assertEqual((status["hook"], status["hook_error"], status["ok"]),
                         ("failed", "tell ended with status 1", False))  # fmt: skip
        self.command.failing = False
        installation.check()
        self.clock.advance(0)
        self.assertTrue(self.status(installation)["ok"])

    def test_without_a_hook(self) -> None:
        status = self.status(self.make(command=False))
        self.assertEqual((status["hook"], status["ok"]), ("none", True))
