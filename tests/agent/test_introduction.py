"""A component that has no pre-shared key, but a certificate that an operator got for it, to begin with."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from pkid.agent import CertificateService, Core, Credential, Introduction, MemoryStorage, Subject
from pkid.agent.core import NoPreSharedKey
from pkid.answers import Rejected
from pkid.auth.component import NoEndorsement
from pkid.ca.pem import write_certificates, write_key
from pkid.ca.trust import fingerprint
from pkid.errors import StateError
from pkid.exchange import Request
from tests.agent.case import Impostor
from tests.agent.service import DAY, ServiceCase
from tests.certificates import private_key
from tests.scripted import http

PASSPHRASE = "twelve letters and more"


class IntroductionCase(ServiceCase):
    """Has a certificate of the core's in files, for two names."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        enrollment = Subject.of("web.example", ["web.example", "db.example"]).enroll(private_key(owner="operator"))
        self.first = self.done(self.memory_core.core().sign(enrollment))
        self.introduction = self.write(self.first)
        self.fingerprint = fingerprint(self.der())

    def der(self) -> bytes:
        return self.memory_core.authority.public_bytes(Encoding.DER)

    def write(self, credential: Credential, passphrase: str | None = None) -> Introduction:
        certificate, key = self.folder / "first.crt", self.folder / "first.key"
        certificate.write_bytes(write_certificates([credential.certificate, *credential.intermediates]))
        key.write_bytes(write_key(credential.key, passphrase))
        return Introduction(certificate, key, passphrase)

    def core(self, psk: str = "", introduction: Introduction | None = None) -> Core:
        runtime, given = self.memory_core.runtime, introduction or self.introduction
        return Core(self.memory_core.url, psk, self.storage, runtime, self.fingerprint, introduction=given)

    def begun(self, psk: str = "", name: str = "web.example", introduction: Introduction | None = None) -> str | None:
        """Let a service begin; return why it has no certificate, if it has none."""
        self.begun_service = CertificateService(self.core(psk, introduction), Subject.of(name), self.storage)
        self.start(self.begun_service)
        return self.begun_service.error


class FirstTests(IntroductionCase):
    def test_the_first_certificate_is_got_with_it_and_for_a_new_key(self) -> None:
        self.assertIsNone(self.begun())
        held = self.held(self.begun_service)
        self.assertEqual(self.memory_core.store.entries[1].renews, self.first.certificate.serial_number)
        self.assertNotEqual(held.certificate.public_key(), self.first.certificate.public_key())

    def test_from_then_on_each_is_got_with_the_one_before(self) -> None:
        self.begun()
        held = self.held(self.begun_service)
        self.introduction.key.unlink()
        self.move_to_end(self.begun_service, DAY)
        self.assertEqual(self.memory_core.store.entries[2].renews, held.certificate.serial_number)

    def test_an_encrypted_key_is_read(self) -> None:
        self.assertIsNone(self.begun(introduction=self.write(self.first, PASSPHRASE)))
        self.assertNotIn(PASSPHRASE, repr(self.write(self.first, PASSPHRASE)))

    def test_each_name_in_it_can_begin(self) -> None:
        self.assertIsNone(self.begun(name="db.example"))


class WithoutTests(IntroductionCase):
    """When it is of no use, and there is no key either."""

    def test_one_for_other_names_is_not_shown(self) -> None:
        attempts = self.memory_core.attempts
        self.assertIn("does not hold the name mail.example", self.begun(name="mail.example") or "")
        self.assertEqual(self.memory_core.attempts, attempts)

    def test_one_that_has_ended_is_not_shown(self) -> None:
        self.clock.advance(timedelta(days=366).total_seconds())
        attempts = self.memory_core.attempts
        self.assertIn("is not valid now, but until 2031-01-01", self.begun() or "")
        self.assertEqual(self.memory_core.attempts, attempts)

    def test_a_new_one_in_its_place_is_taken_without_a_restart(self) -> None:
        self.introduction.certificate.write_text("nothing yet")
        self.assertIn("holds no PEM certificate", self.begun() or "")
        self.write(self.first)
        self.clock.advance(5)
        self.assertIsNotNone(self.begun_service.credential)

    def test_files_that_cannot_be_used_are_told(self) -> None:
        other = Credential(private_key(owner="another"), self.first.certificate)
        self.assertRaisesRegex(StateError, "does not belong to the key", self.write(other).read)
        encrypted = self.write(self.first, PASSPHRASE)
        for wrong in (None, "another passphrase"):
            given = Introduction(encrypted.certificate, encrypted.key, wrong)
            self.assertRaisesRegex(StateError, "--cert-key-pass-file", given.read)
        self.introduction.key.unlink()
        self.assertRaisesRegex(StateError, "first.key", self.introduction.read)

    def test_one_that_the_core_does_not_know_is_refused(self) -> None:
        self.memory_core.store._entries.clear()
        self.assertIn("the core", self.begun() or "")
        self.failed(self.core().enroll(Subject.of("web.example").enroll(private_key())), Rejected)

    def test_nothing_else_is_asked_for_without_a_key(self) -> None:
        self.failed(self.core().ask(Request("GET", "/system/info")), NoPreSharedKey)

    def test_it_does_not_tell_who_the_core_is(self) -> None:
        impostor = Impostor(self.memory_core, http(self.memory_core.authority.public_bytes(Encoding.PEM)))
        core = self.core_at(impostor, MemoryStorage(), psk="", introduction=self.introduction)
        self.failed(core.authority(), NoEndorsement)

    def test_without_it_a_key_is_needed(self) -> None:
        self.assertRaises(ValueError, Core, self.memory_core.url, "", self.storage, self.memory_core.runtime)


class BesideTests(IntroductionCase):
    """Beside a pre-shared key it is tried first, and the key when it is of no use."""

    def test_it_comes_first(self) -> None:
        self.assertIsNone(self.begun(self.memory_core.psk))
        self.assertEqual(self.credentials(), ["psk", "certificate"])

    def test_names_that_it_has_not_are_got_with_the_key(self) -> None:
        self.assertIsNone(self.begun(self.memory_core.psk, "mail.example"))
        self.assertEqual(self.credentials(), ["psk", "psk"])

    def test_when_it_is_refused_the_key_is_used(self) -> None:
        self.memory_core.store._entries.clear()
        self.assertIsNone(self.begun(self.memory_core.psk))
        self.assertEqual(self.credentials(), ["psk"])

    def test_while_the_core_is_away_nothing_more_is_tried(self) -> None:
        self.done(self.core(self.memory_core.psk).authority())
        self.memory_core.reachable = False
        attempts = self.memory_core.attempts
        self.assertIn("cannot be reached", self.begun(self.memory_core.psk) or "")
        self.assertEqual(self.memory_core.attempts, attempts + 1)
