"""The certificate service: renewal in time, from both sides of each boundary, and no failure that is the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, execute

from pkid.agent import CertificateService, Credential, MemoryStorage, Subject
from pkid.ca.keys import KeyType, key_bytes
from pkid.errors import StateError
from pkid.exchange import Unreachable
from pkid.testing import START
from tests.agent.case import Impostor
from tests.agent.service import DAY, SECOND, ServiceCase


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

    def test_who_asks_while_a_new_one_is_kept_gets_that_one(self) -> None:
        keeping: list[Deferred[None]] = []

        def offload(work: Callable[[], Any]) -> Deferred[Any]:
            if service.credential is None or keeping:
                return execute(work)
            keeping.append(Deferred())
            return keeping[-1].addCallback(lambda _: work())

        core = self.memory_core.core(self.storage)
        core.runtime = replace(core.runtime, offload=offload)
        service = CertificateService(core, Subject.of("web.example"), self.storage)
        self.start(service)
        asking = service.renew()
        keeping[0].callback(None)
        self.assertIs(self.successResultOf(asking), service.credential)
        self.pass_time(timedelta(minutes=5))
        self.assertEqual(len(self.memory_core.issued), 1)

    def test_who_asks_is_told_of_the_failure_and_the_service_goes_on(self) -> None:
        service = self.service()
        self.memory_core.reachable = False
        self.failed(service.renew(), Unreachable)
        self.memory_core.reachable = True
        self.clock.advance(5)
        self.assertEqual(len(self.memory_core.issued), 2)

    def test_a_service_that_does_not_run_renews_nothing(self) -> None:
        self.assertRaises(RuntimeError, self.service(start=False).renew)


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
