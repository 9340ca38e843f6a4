"""The certificate service: renewal in time, from both sides of each boundary, and no failure that is the last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import CancelledError

from pkid.agent import CertificateService, Credential, MemoryStorage, Subject
from pkid.auth.component import WrongPreSharedKey
from pkid.ca.keys import KeyType, key_bytes
from pkid.errors import Reason, StateError, Unavailable
from pkid.exchange import Unreachable
from pkid.testing import START
from tests.agent.case import AgentCase, Impostor
from tests.scripted import http

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


class FirstTests(ServiceCase):
    def test_a_certificate_is_got_and_kept_as_soon_as_the_service_runs(self) -> None:
        service = self.service()
        credential = self.held(service)
        self.assertEqual([credential.certificate], self.memory_core.issued)
        self.assertEqual(self.storage.load_credential(), credential)
        self.assertEqual(self.successResultOf(service.when_ready()), credential)

    def test_those_who_wait_are_told(self) -> None:
        service = self.service(start=False)
        waiting = [service.when_ready() for _ in range(3)]
        waiting[1].cancel()
        self.failureResultOf(waiting[1], CancelledError)
        self.start(service)
        for each in (waiting[0], waiting[2]):
            self.assertIs(self.successResultOf(each), service.credential)

    def test_who_is_told_may_do_anything_at_once(self) -> None:
        for stored in (0, 1):
            self.assertEqual(len(self.memory_core.issued), stored)
            stopped = self.service(start=False)
            stopped.when_ready().addCallback(self.stop_at_once, stopped)
            self.start(stopped)
            self.assertEqual(self.clock.getDelayedCalls(), [])
        renewed = self.service(start=False)
        second = renewed.when_ready().addCallback(lambda _: renewed.renew())
        self.start(renewed)
        self.assertEqual(self.successResultOf(second).certificate, self.memory_core.issued[1])
        self.assertEqual(len(self.memory_core.issued), 2)

    def stop_at_once(self, credential: Credential, service: CertificateService) -> None:
        service.stopService()

    def test_the_key_is_of_the_kind_that_is_wanted(self) -> None:
        core = self.memory_core.core(self.storage)
        for kind in (KeyType.ED25519, KeyType.P384):
            service = CertificateService(core, Subject.of("web.example"), MemoryStorage(), kind)
            self.start(service)
            self.assertEqual(type(self.held(service).key), type(kind.generate()))

    def test_a_core_that_is_not_there_yet_is_waited_for(self) -> None:
        self.memory_core.reachable = False
        service = self.service()
        self.assertIsNone(service.credential)
        self.pass_time(timedelta(hours=1), timedelta(seconds=5))
        self.assertIsNone(service.credential)
        self.memory_core.reachable = True
        self.pass_time(timedelta(minutes=15), timedelta(seconds=5))
        self.assertIsNotNone(service.credential)


class RenewalTests(ServiceCase):
    def test_until_a_day_before_its_end_it_stays_and_then_it_is_renewed_with_itself(self) -> None:
        service = self.service()
        first = self.held(service)
        self.move_to_end(service, DAY + SECOND)
        self.assertIs(service.credential, first)
        self.clock.advance(1)
        second = self.held(service)
        self.assertIsNot(second, first)
        self.assertEqual(self.credentials(), ["psk", "certificate"])
        self.assertEqual(self.storage.load_credential(), second)

    def test_each_certificate_is_for_a_new_key(self) -> None:
        service = self.service()
        keys = set()
        for _ in range(4):
            keys.add(key_bytes(self.held(service).key.public_key()))
            self.move_to_end(service, DAY)
        self.assertEqual(len(keys), 4)

    def test_jitter_makes_it_earlier(self) -> None:
        self.memory_core.jitter = 0.5
        service = self.service()
        self.move_to_end(service, 1.5 * DAY + SECOND)
        self.assertEqual(len(self.memory_core.issued), 1)
        self.clock.advance(1)
        self.assertEqual(len(self.memory_core.issued), 2)

    def test_a_short_one_is_renewed_a_third_before_its_end(self) -> None:
        self.memory_core.lifetime = timedelta(minutes=5)
        self.memory_core.replace_authority()
        service = self.service()
        third = (self.held(service).not_after - self.held(service).not_before) / 3
        self.move_to_end(service, third + SECOND)
        self.assertEqual(len(self.memory_core.issued), 1)
        self.clock.advance(1)
        self.assertEqual(self.credentials(), ["psk", "certificate"])

    def test_it_goes_on_for_years(self) -> None:
        service = self.service()
        for _ in range(3 * 365):
            self.pass_time(DAY, DAY)
            self.assertLess(self.memory_core.now(), self.held(service).not_after)
        self.assertEqual(self.credentials(), ["psk", *["certificate"] * 3])

    def test_no_two_renewals_stand_closer_than_half_a_minute(self) -> None:
        self.memory_core.lifetime = timedelta(minutes=5)
        self.memory_core.replace_authority()
        self.clock.advance((self.memory_core.authority.not_valid_after_utc - START - 2 * 60 * SECOND).total_seconds())
        self.service()
        self.pass_time(timedelta(minutes=2), SECOND)
        self.assertLessEqual(len(self.memory_core.issued), 5)

    def test_a_clock_that_jumps_or_stood_still_is_noticed_within_a_minute(self) -> None:
        jump = timedelta(0)
        runtime = replace(self.memory_core.runtime, now=lambda: self.memory_core.now() + jump)
        core = self.memory_core.core(self.storage)
        core.runtime = runtime
        service = CertificateService(core, Subject.of("web.example"), self.storage)
        self.start(service)
        jump = timedelta(days=364) - timedelta(seconds=59)
        self.clock.advance(58)
        self.assertEqual(len(self.memory_core.issued), 1)
        self.clock.advance(2)
        self.assertEqual(len(self.memory_core.issued), 2)

    def test_one_attempt_serves_all_who_ask(self) -> None:
        service = self.service()
        asking = [service.renew() for _ in range(3)]
        self.clock.advance(0)
        self.assertEqual({id(self.successResultOf(each)) for each in asking}, {id(service.credential)})
        self.assertEqual(len(self.memory_core.issued), 2)

    def test_who_asks_is_told_of_the_failure_and_the_service_goes_on(self) -> None:
        service = self.service()
        self.memory_core.reachable = False
        self.failed(service.renew(), Unreachable)
        self.memory_core.reachable = True
        self.clock.advance(5)
        self.assertEqual(len(self.memory_core.issued), 2)

    def test_a_service_that_does_not_run_renews_nothing(self) -> None:
        self.assertRaises(RuntimeError, self.service(start=False).renew)


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


class RestartTests(ServiceCase):
    def test_what_is_stored_serves_at_once_without_the_core(self) -> None:
        first = self.held(self.service())
        self.memory_core.reachable = False
        again = self.service()
        self.assertEqual(self.held(again), first)
        self.assertEqual(self.memory_core.attempts, 2)

    def test_what_is_due_is_renewed_at_once(self) -> None:
        first = self.service()
        first.stopService()
        self.move_to_end(first, DAY)
        again = self.service()
        self.assertNotEqual(self.held(again), self.held(first))
        self.assertEqual(self.credentials(), ["psk", "certificate"])

    def test_what_ended_while_it_was_off_is_replaced(self) -> None:
        first = self.service()
        first.stopService()
        self.move_to_end(first, timedelta(days=-100))
        again = self.service()
        self.assertEqual(self.held(again).certificate, self.memory_core.issued[1])
        self.assertEqual(self.credentials(), ["psk", "psk"])

    def test_what_is_for_other_names_is_replaced(self) -> None:
        self.service()
        again = self.service("db.example")
        self.assertEqual(self.held(again).certificate, self.memory_core.issued[1])

    def test_what_is_damaged_is_replaced(self) -> None:
        def damaged() -> Credential:
            raise StateError("certificate.pem", "holds no key with its certificate", "remove it")

        self.service()
        self.storage.load_credential = damaged  # type: ignore[method-assign]
        self.assertEqual(self.held(self.service()).certificate, self.memory_core.issued[1])

    def test_a_kept_ca_that_cannot_be_read_is_not_replaced(self) -> None:
        def damaged() -> Any:
            raise StateError("ca.crt", "holds no CA certificate", "restore it")

        load, self.storage.load_authority = self.storage.load_authority, damaged  # type: ignore[method-assign]
        service = self.service()
        self.failed(service.renew(), StateError)
        self.assertEqual(self.memory_core.attempts, 0)
        self.storage.load_authority = load  # type: ignore[method-assign]
        self.clock.advance(15)
        self.assertIsNotNone(service.credential)


class StopTests(ServiceCase):
    def test_nothing_is_left_behind(self) -> None:
        service = self.service()
        service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_under_way_is_given_up(self) -> None:
        impostor = Impostor(self.memory_core, lambda connection: None)
        service = CertificateService(self.core_at(impostor), Subject.of("web.example"), self.storage)
        self.start(service)
        waiting, renewing = service.when_ready(), service.renew()
        service.stopService()
        self.clock.advance(0)
        for each in (waiting, renewing):
            self.failureResultOf(each, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_can_be_started_again(self) -> None:
        service = self.service()
        service.stopService()
        self.start(service)
        self.move_to_end(service, DAY)
        self.assertEqual(len(self.memory_core.issued), 2)
