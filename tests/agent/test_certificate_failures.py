"""When a certificate does not come, or does not renew itself: no failure is the last attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from pkid.agent import CertificateService, Credential, MemoryStorage, Subject
from pkid.auth.component import WrongPreSharedKey
from pkid.errors import Reason, StateError, Unavailable
from pkid.exchange import Unreachable
from tests.agent.case import Impostor
from tests.agent.service import DAY, SECOND, ServiceCase
from tests.scripted import http


class FallBackTests(ServiceCase):
    """When the certificate does not renew itself, the pre-shared key does."""

    def test_one_that_ended_is_not_shown(self) -> None:
        service = self.service()
        self.memory_core.reachable = False
        self.move_to_end(service, -SECOND)
        self.memory_core.reachable = True
        attempts = self.memory_core.attempts
        self.pass_time(timedelta(minutes=15), timedelta(seconds=5))
        self.assertEqual(self.credentials(), ["psk", "psk"])
        self.assertEqual(self.memory_core.attempts, attempts + 1)

    def test_up_to_its_last_second_it_is(self) -> None:
        service = self.service()
        service.stopService()
        self.move_to_end(service, SECOND)
        self.service()
        self.assertEqual(self.credentials(), ["psk", "certificate"])

    def test_one_that_the_core_does_not_know_is_replaced_at_once(self) -> None:
        service = self.service()
        self.memory_core.store._entries.clear()  # as when the core lost its ledger
        self.move_to_end(service, DAY)
        self.assertEqual(self.credentials(), ["psk"])
        self.assertEqual(len(self.memory_core.issued), 1)
        self.assertEqual(self.held(service).certificate, self.memory_core.issued[0])

    def test_an_alert_of_tls_is_not_the_last_word(self) -> None:
        service = self.service()
        service.stopService()
        self.move_to_end(service, DAY)
        impostor = Impostor(self.memory_core, issuer=self.memory_core.issuer, refuses=True)
        again = CertificateService(self.core_at(impostor, self.storage), Subject.of("web.example"), self.storage)
        self.start(again)
        self.assertEqual(impostor.connections, 2)
        self.assertEqual([request.split()[1] for request in impostor.requests], [b"/ca/sign"])

    def test_after_a_renewal_that_came_to_nothing_the_key_is_tried_and_so_on_in_turn(self) -> None:
        service = self.service()
        service.stopService()
        self.move_to_end(service, DAY)
        impostor = Impostor(self.memory_core, *[b""] * 4, issuer=self.memory_core.issuer)
        core = self.core_at(impostor, self.storage)
        again = CertificateService(core, Subject.of("web.example"), self.storage)
        self.start(again)
        self.pass_time(timedelta(seconds=60), SECOND)
        paths = [request.split()[1] for request in impostor.requests[:4]]
        self.assertEqual(paths, [b"/ca/renew", b"/ca/sign", b"/ca/renew", b"/ca/sign"])


class FailureTests(ServiceCase):
    def attempts_at(self, seconds: int) -> list[int]:
        """Return the seconds at which the core was tried."""
        found = []
        for second in range(seconds):
            before = self.memory_core.attempts
            self.clock.advance(1)
            found += [second + 1] * (self.memory_core.attempts - before)
        return found

    def test_pauses_double_to_a_quarter_of_an_hour(self) -> None:
        self.memory_core.reachable = False
        self.service()
        self.assertEqual(self.attempts_at(3200), [5, 15, 35, 75, 155, 315, 635, 1275, 2175, 3075])

    def test_jitter_makes_them_shorter(self) -> None:
        self.memory_core.reachable, self.memory_core.jitter = False, 0.5
        self.service()
        self.assertEqual(self.attempts_at(27), [4, 12, 27])

    def test_with_certificates_of_minutes_they_end_earlier(self) -> None:
        self.memory_core.lifetime = timedelta(minutes=5)
        self.memory_core.replace_authority()
        service = self.service()
        self.move_to_end(service, timedelta(minutes=2))
        self.memory_core.reachable = False
        self.failed(service.renew(), Unreachable)
        self.assertEqual(self.attempts_at(320), [5, 15, 35, 75, 135, 195, 255, 315])

    def test_the_core_may_ask_for_more_time(self) -> None:
        body = b"Error: busy\nMessage: too many requests are waiting; try again"
        for asked, waited in ((60, 60), (10**6, 900)):
            busy = http(body, 503, ("Retry-After", str(asked)))
            impostor = Impostor(self.memory_core, busy, busy)
            service = CertificateService(self.core_at(impostor), Subject.of("web.example"), MemoryStorage())
            self.start(service)
            self.clock.advance(waited - 1)
            self.assertEqual(impostor.connections, 1)
            self.clock.advance(1)
            self.assertEqual(impostor.connections, 2)
            service.stopService()

    def test_a_wrong_key_is_tried_again_because_it_may_become_right(self) -> None:
        core = self.memory_core.core(psk="another pre-shared key, 2")
        service = CertificateService(core, Subject.of("web.example"), self.storage)
        self.start(service)
        self.failed(service.renew(), WrongPreSharedKey)
        core._psk = self.memory_core.psk
        self.clock.advance(15)
        self.assertIsNotNone(service.credential)

    def test_while_the_ledger_cannot_be_written_the_old_one_serves(self) -> None:
        service = self.service()
        first = self.held(service)
        self.memory_core.store.fail_next(Unavailable(Reason.STORE))
        self.move_to_end(service, DAY)
        self.assertIs(service.credential, first)
        self.clock.advance(5)
        self.assertIsNot(service.credential, first)

    def test_a_storage_that_fails_keeps_nobody_from_the_new_one_and_is_tried_again(self) -> None:
        saved: list[Credential] = []

        def save(credential: Credential) -> None:
            if not saved:
                saved.append(credential)
                raise StateError("certificate.pem", "cannot be written (No space left on device)", "make room")
            saved.append(credential)

        self.storage.save_credential = save  # type: ignore[method-assign]
        service = self.service()
        self.assertEqual(saved, [service.credential])
        self.clock.advance(5)
        self.assertEqual(saved, [service.credential] * 2)
        self.assertEqual(len(self.memory_core.issued), 1)

    def test_a_fault_is_told_with_its_traceback_and_is_not_the_end(self) -> None:
        core = self.memory_core.core(self.storage)
        sign, faults = core.sign, [ZeroDivisionError()]

        async def faulty(enrollment: Any) -> Credential:
            if faults:
                raise faults.pop()
            return await sign(enrollment)

        core.sign = faulty  # type: ignore[method-assign]
        service = CertificateService(core, Subject.of("web.example"), self.storage)
        self.start(service)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.clock.advance(5)
        self.assertIsNotNone(service.credential)

    def test_a_certificate_that_was_not_asked_for_is_not_used(self) -> None:
        service = self.service()
        service.stopService()
        first = self.held(service)
        self.move_to_end(service, DAY)
        wrong = http(self.memory_core.issued[0].public_bytes(Encoding.PEM))
        impostor = Impostor(self.memory_core, wrong, wrong, issuer=self.memory_core.issuer)
        again = CertificateService(self.core_at(impostor, self.storage), Subject.of("web.example"), self.storage)
        self.start(again)
        self.assertEqual(impostor.connections, 1)
        self.assertEqual(self.held(again), first)
