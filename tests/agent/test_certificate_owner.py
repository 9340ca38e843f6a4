"""What somebody who keeps a certificate service sees of it, and can ask of it."""

from __future__ import annotations

from datetime import timedelta

from pkid.agent import CertificateService, Credential, Subject
from pkid.errors import StateError
from tests.agent.service import DAY, ServiceCase


class OwnerTests(ServiceCase):
    def kept(self) -> tuple[CertificateService, list[Credential]]:
        """Return a service, not started, and what it tells of."""
        told: list[Credential] = []
        core = self.memory_core.core(self.storage)
        service = CertificateService(core, Subject.of("web.example"), self.storage, on_kept=told.append)
        return service, told

    def test_each_credential_is_told_once_and_only_when_it_is_kept(self) -> None:
        service, told = self.kept()
        save = self.storage.save_credential
        self.patch(self.storage, "save_credential", self.refuse)
        self.start(service)
        self.assertEqual((service.credential is not None, service.kept, told), (True, False, []))
        self.assertIn("full; empty it", service.error or "")
        self.patch(self.storage, "save_credential", save)
        self.pass_time(timedelta(seconds=5))
        self.assertEqual((told, service.kept, service.error), ([service.credential], True, None))
        self.move_to_end(service, DAY)
        self.assertEqual((len(told), told[-1]), (2, service.credential))

    def refuse(self, _: Credential) -> None:
        raise StateError("the disk", "is full", "empty it")

    def test_the_stored_one_is_told_too(self) -> None:
        self.stop(self.service())
        service, told = self.kept()
        self.start(service)
        self.assertEqual((told, len(self.memory_core.issued)), ([self.storage.load_credential()], 1))

    def test_when_it_is_to_be_renewed(self) -> None:
        service = self.service()
        self.assertEqual(service.due, self.held(service).not_after - DAY)

    def test_why_the_last_attempt_failed(self) -> None:
        self.memory_core.reachable = False
        service = self.service()
        self.assertIn("core.example", service.error or "")
        self.memory_core.reachable = True
        self.pass_time(timedelta(seconds=5))
        self.assertIsNone(service.error)

    def test_a_check_tries_at_once_what_failed(self) -> None:
        self.memory_core.reachable = False
        service = self.service()
        self.pass_time(timedelta(hours=1))
        self.memory_core.reachable = True
        service.check()
        self.clock.advance(0)
        self.assertIsNotNone(service.credential)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_a_check_saves_what_is_missing_in_the_storage(self) -> None:
        service = self.service()
        core, kept = self.storage.load_authority(), self.held(service)
        self.storage.__init__()  # type: ignore[misc]
        assert core is not None
        self.storage.save_authority(core)
        service.check()
        self.clock.advance(0)
        self.assertEqual((self.storage.load_credential(), len(self.memory_core.issued)), (kept, 1))

    def test_a_check_takes_what_somebody_else_stored(self) -> None:
        service = self.service()
        other = self.service()
        self.memory_core.reachable = False
        self.move_to_end(service, DAY)
        self.memory_core.reachable = True
        self.done(other.renew())
        self.assertIsNotNone(service.error)
        service.check()
        self.assertIsNone(service.error)
        self.assertEqual(service.credential, other.credential)
        self.assertEqual(len(self.memory_core.issued), 2)

    def test_a_check_of_one_that_does_not_run_does_nothing(self) -> None:
        service = self.service(start=False)
        service.check()
        self.assertEqual(self.clock.getDelayedCalls(), [])
