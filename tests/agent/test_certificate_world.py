"""When the world is not as it should be: clocks that leap, names that do not resolve, garbage, damaged files."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from zope.interface import implementer

from pkid.agent import CertificateService, Credential, DirectoryStorage, Subject
from pkid.ca.issuer import make_root
from pkid.testing import START
from tests.agent.case import Impostor, Step
from tests.agent.service import DAY, SECOND, ServiceCase
from tests.certificates import SERIAL, private_key
from tests.scripted import http

WEB = Subject.of("web.example")


@implementer(IStreamClientEndpoint)
class Unresolved:
    """Leads to a host whose name is not known."""

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return fail(DNSLookupError("no results for hostname lookup: core.example"))


class ClockTests(ServiceCase):
    """The wall clock of the machine goes wrong, or the machine sleeps; the core's does not."""

    def setUp(self) -> None:
        super().setUp()
        self.leap = timedelta(0)
        core = self.memory_core.core(self.storage)
        core.runtime = replace(self.memory_core.runtime, now=lambda: self.memory_core.now() + self.leap)
        self.web = CertificateService(core, WEB, self.storage)
        self.start(self.web)

    def issued(self) -> int:
        return len(self.memory_core.issued)

    def test_after_a_sleep_across_the_day_of_renewal_it_is_renewed_within_a_minute(self) -> None:
        self.leap = timedelta(days=364)  # timers stood still meanwhile
        self.clock.advance(60)
        self.assertEqual(self.issued(), 2)

    def test_after_a_sleep_beyond_the_end_the_ended_one_is_not_shown(self) -> None:
        self.clock.advance(timedelta(days=400).total_seconds())
        self.assertEqual(self.credentials(), ["psk", "psk"])
        self.assertGreater(self.held(self.web).not_after, self.memory_core.now())

    def test_a_clock_that_is_years_ahead_for_an_hour_costs_nothing(self) -> None:
        first = self.held(self.web)
        self.leap = timedelta(days=4000)
        self.pass_time(timedelta(hours=1))
        self.assertIs(self.web.credential, first, "nothing that the wrong clock calls ended is thrown away")
        self.assertIsNotNone(self.web.error)
        self.leap = timedelta(0)
        self.pass_time(timedelta(minutes=16))
        self.assertIsNone(self.web.error, "what the wrong clock made fail is no failure any more")
        self.assertIs(self.web.credential, first)
        issued = self.issued()
        self.pass_time(timedelta(days=2), timedelta(hours=1))
        self.assertEqual(self.issued(), issued)

    def test_a_clock_that_is_set_back_makes_no_storm_and_is_forgotten_when_it_is_right_again(self) -> None:
        self.leap = timedelta(days=-1000)
        self.pass_time(timedelta(hours=6))
        self.assertEqual(self.issued(), 1)
        self.leap = timedelta(0)
        self.move_to_end(self.web, DAY + SECOND)
        self.assertEqual(self.issued(), 1)
        self.clock.advance(1)
        self.assertEqual(self.credentials(), ["psk", "certificate"])

    def test_a_start_with_a_clock_that_is_behind_is_mended_when_it_is_right(self) -> None:
        self.web.stopService()
        self.leap = timedelta(days=-1000)
        core = self.memory_core.core(self.storage)
        core.runtime = replace(self.memory_core.runtime, now=lambda: self.memory_core.now() + self.leap)
        again = CertificateService(core, WEB, self.storage)
        self.start(again)
        self.assertIsNotNone(again.error)
        self.leap = timedelta(0)
        self.pass_time(timedelta(minutes=16))
        self.assertIsNone(again.error)
        self.assertLessEqual(self.held(again).not_before, self.memory_core.now())


class BeginningTests(ServiceCase):
    """Somebody wants a renewal before the service came to look at what is stored."""

    def test_what_is_stored_is_renewed_with_itself(self) -> None:
        first = self.service()
        stored = self.held(first)
        first.stopService()
        again = self.service(start=False)
        again.startService()
        self.addCleanup(self.stop, again)
        renewed = self.done(again.renew())
        self.assertNotEqual(renewed, stored)
        self.assertEqual(self.credentials(), ["psk", "certificate"])
        self.assertEqual(self.memory_core.store.entries[1].renews, stored.certificate.serial_number)

    def test_without_anything_stored_one_is_got(self) -> None:
        service = self.service(start=False)
        service.startService()
        self.addCleanup(self.stop, service)
        self.done(service.renew())
        self.pass_time(timedelta(minutes=5))
        self.assertEqual(self.credentials(), ["psk"])


class NetworkTests(ServiceCase):
    """Each is told, costs one attempt with its pause, and is over when it is over."""

    def through(self, reach: Any) -> CertificateService:
        core = self.memory_core.core(self.storage)
        core.runtime = replace(core.runtime, reach=reach)
        service = CertificateService(core, WEB, self.storage)
        self.start(service)
        return service

    def test_a_name_that_does_not_resolve_is_told_and_tried_again(self) -> None:
        endpoints = [Unresolved(), Unresolved()]

        def reach(host: str, port: int) -> IStreamClientEndpoint:
            return endpoints.pop() if endpoints else self.memory_core.runtime.reach(host, port)

        service = self.through(reach)
        self.assertIn("cannot be reached (DNS lookup failed", service.error or "")
        self.pass_time(timedelta(seconds=15), SECOND)
        self.assertIsNotNone(service.credential)

    def test_garbage_and_silence_are_told_and_cost_nobody_the_certificate_that_is_there(self) -> None:
        held = self.held(self.service())
        silence: Step = lambda connection: None  # noqa: E731  # half open: nothing ever comes
        for step, said in (
            (b"\0\xff" * 4096 + b"\r\n\r\n", "does not answer in HTTP/1.1"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nhalf", "ended its answer too early|before its answer"),
            (http(b"no certificate"), "holds no certificate"),
            (http(b"x" * 200_000), "more than 96 KiB"),
            (silence, "did not answer within 10 seconds"),
        ):
            impostor = Impostor(self.memory_core, *[step] * 2, issuer=self.memory_core.issuer)
            service = CertificateService(self.core_at(impostor, self.storage), WEB, self.storage)
            self.start(service)
            failing = service.renew()
            self.clock.advance(0)
            self.clock.advance(10)
            self.failureResultOf(failing)
            self.assertRegex(service.error or "", said)
            self.assertEqual(service.credential, held)
            service.stopService()
            self.clock.advance(0)
            self.assertEqual([call.getTime() for call in self.clock.getDelayedCalls()][1:], [], said)


class FilesTests(ServiceCase):
    """What is stored in a directory is not what it should be."""

    def setUp(self) -> None:
        super().setUp()
        self.directory = Path(self.mktemp()).absolute()
        self.storage = DirectoryStorage(self.directory)  # type: ignore[assignment]
        first = self.service()
        self.first = self.held(first)
        first.stopService()
        self.certificate = self.directory / "certificate.pem"

    def stored(self) -> Credential:
        stored = self.storage.load_credential()
        assert stored is not None
        return stored

    def replaced(self) -> CertificateService:
        """Begin anew, and see that another certificate is got, stored, and good."""
        again = self.service()
        held = self.held(again)
        self.assertNotEqual(held.certificate, self.first.certificate)
        self.assertEqual(self.stored().certificate, held.certificate)
        held.check(WEB.names, self.memory_core.authority, self.memory_core.now())
        return again

    def test_a_certificate_of_another_ca_is_replaced(self) -> None:
        other = make_root(private_key(owner="other"), START, SERIAL)
        key = private_key(owner="stranger")
        approved = self.memory_core._authority.profile.approve_core(key.public_key(), WEB.names)
        self.storage.save_credential(Credential(key, other.sign(approved, self.memory_core.now(), SERIAL + 1)))
        self.replaced()

    def test_a_key_that_is_damaged_is_replaced(self) -> None:
        pem = self.certificate.read_bytes()
        for damaged in (b"", pem[:100], pem.replace(b"A", b"B", 40), pem[pem.index(b"-----BEGIN CERT") :]):
            self.certificate.write_bytes(damaged)
            self.replaced().stopService()

    def test_another_key_than_the_certificates_is_replaced(self) -> None:
        self.storage.save_credential(Credential(private_key(owner="another"), self.first.certificate))
        self.replaced()

    def test_a_full_disk_costs_the_old_file_nothing_and_is_tried_again(self) -> None:
        service = self.service()
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with patch.object(os, "fsync", side_effect=full):
            self.move_to_end(service, DAY)
            self.assertIn("No space left on device", service.error or "")
            self.assertNotEqual(self.held(service), self.first, "the new one serves all the same")
            self.assertEqual(Credential.read(self.certificate.read_bytes()).certificate, self.first.certificate)
            self.assertEqual([path.name for path in self.directory.iterdir() if path.name.endswith(".new")], [])
        self.clock.advance(15)
        self.assertIsNone(service.error)
        self.assertEqual(self.stored().certificate, self.held(service).certificate)
        self.assertEqual(len(self.memory_core.issued), 2)
