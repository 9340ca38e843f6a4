"""Whom a component trusts, from its first contact on, and what somebody in the middle gets: nothing."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import CancelledError

from pkid.agent import Core, MemoryStorage, OtherAuthority, Subject
from pkid.answers import BadAnswer, Busy, Rejected
from pkid.auth.component import ExpiredEndorsement, FingerprintMismatch, NoEndorsement, WrongPreSharedKey
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import Binding, body_digest, check_binding, derive_key, read_token, verify
from pkid.ca.enrollment import Enrollment
from pkid.ca.issuer import make_root
from pkid.ca.trust import UnfitAuthority, UnfitCertificate, fingerprint
from pkid.errors import StateError
from pkid.exchange import OtherName, Unreachable
from pkid.testing import START, MemoryCore
from tests.agent.case import AgentCase, Impostor
from tests.certificates import SERIAL, make_token, private_key
from tests.scripted import http
from tests.support import Case

BUSY = http(b"Error: busy\nMessage: too many requests are waiting; try again", 503, ("Retry-After", "7"))
UNAUTHORIZED = http(b"401: Unauthorized", 401, ("WWW-Authenticate", "Bearer"))


class CoreCase(AgentCase):
    def setUp(self) -> None:
        super().setUp()
        self.storage = MemoryStorage()
        self.enrollment = Subject.of("web.example").enroll(private_key())
        self.psk = PreSharedKey("default", self.memory_core.psk)

    def digest(self) -> str:
        return fingerprint(self.memory_core.authority.public_bytes(Encoding.DER))

    def endorsed(self, body: bytes | None = None, **token: Any) -> bytes:
        """Write the core's own answer to ``GET /ca/cert``, or one with another body or token."""
        claims = token.pop("claims", {"sha256_fingerprint": self.digest()})
        expires_at = token.pop("expires_at", self.memory_core.now().timestamp() + 300)
        encoded = make_token(claims, expires_at=expires_at, psk=token.pop("psk", self.psk))
        pem = self.memory_core.authority.public_bytes(Encoding.PEM)
        return http(pem if body is None else body, 200, ("Authorization", f"Bearer {encoded.decode()}"))


class FirstContactTests(CoreCase):
    """``GET /ca/cert``, over a connection that nobody vouches for."""

    def refused(self, error: type[Exception], *steps: bytes, **options: Any) -> None:
        impostor = Impostor(self.memory_core, *steps)
        core = self.core_at(impostor, self.storage, **options)
        message = str(self.failed(core.authority(), error))
        self.assertNotIn(self.memory_core.psk, message)
        self.assertIsNone(core.known_authority)
        self.assertIsNone(self.storage.load_authority(), "something was kept")

    def test_the_cas_certificate_is_trusted_with_the_keys_word_for_it_and_kept(self) -> None:
        core = self.memory_core.core(self.storage)
        self.assertEqual(self.done(core.authority()), self.memory_core.authority)
        self.assertEqual(self.storage.load_authority(), self.memory_core.authority)

    def test_nothing_of_the_key_is_sent(self) -> None:
        impostor = Impostor(self.memory_core, self.endorsed())
        self.done(self.core_at(impostor).authority())
        self.assertTrue(impostor.requests[0].startswith(b"GET /ca/cert HTTP/1.1\r\n"))
        self.assertNotIn(b"uthorization", impostor.requests[0])

    def test_it_is_fetched_once_for_all_who_ask(self) -> None:
        core = self.memory_core.core()
        asking = [core.authority() for _ in range(3)]
        self.clock.advance(0)
        self.assertEqual({self.successResultOf(each) for each in asking}, {self.memory_core.authority})
        self.assertEqual(self.memory_core.attempts, 1)

    def test_who_asks_no_more_stops_nobody_else(self) -> None:
        core = self.memory_core.core()
        first, second = core.authority(), core.authority()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(self.done(second), self.memory_core.authority)

    def test_what_was_kept_is_used_the_next_time_and_nothing_is_fetched(self) -> None:
        self.done(self.memory_core.core(self.storage).authority())
        attempts = self.memory_core.attempts
        self.done(self.memory_core.core(self.storage).authority())
        self.assertEqual(self.memory_core.attempts, attempts)

    def test_another_ca_is_refused(self) -> None:
        other = make_root(private_key(owner="other"), START, SERIAL).certificate.public_bytes(Encoding.PEM)
        self.refused(FingerprintMismatch, self.endorsed(other))
        self.refused(FingerprintMismatch, self.endorsed(other + self.memory_core.authority.public_bytes(Encoding.PEM)))

    def test_an_answer_without_its_header_is_refused(self) -> None:
        self.refused(NoEndorsement, http(self.memory_core.authority.public_bytes(Encoding.PEM)))
        self.refused(NoEndorsement, self.endorsed(claims={}))

    def test_an_answer_that_is_played_again_is_refused(self) -> None:
        self.refused(ExpiredEndorsement, self.endorsed(expires_at=START.timestamp() - 61))

    def test_an_answer_by_another_key_is_refused(self) -> None:
        self.refused(WrongPreSharedKey, self.endorsed(psk=PreSharedKey("default", "another pre-shared key, 2")))
        self.refused(WrongPreSharedKey, self.endorsed(), psk="another pre-shared key, 2")

    def test_a_certificate_that_is_no_authoritys_is_refused(self) -> None:
        self.done(self.memory_core.core().sign(self.enrollment))
        leaf = self.memory_core.issued[0]
        claims = {"sha256_fingerprint": fingerprint(leaf.public_bytes(Encoding.DER))}
        self.refused(UnfitAuthority, self.endorsed(leaf.public_bytes(Encoding.PEM), claims=claims))

    def test_what_is_no_certificate_is_refused(self) -> None:
        self.refused(BadAnswer, self.endorsed(b"<html>"))

    def test_other_statuses_are_told(self) -> None:
        self.refused(Rejected, http(b"no", 404))
        self.refused(BadAnswer, http(b"", 302, ("Location", "https://core.example:8900/ca/cert")))
        self.refused(Busy, BUSY)


class FingerprintTests(CoreCase):
    """``ca_fingerprint``: stronger than the key's word."""

    def test_the_certificate_with_the_fingerprint_is_trusted_without_a_token(self) -> None:
        pem = self.memory_core.authority.public_bytes(Encoding.PEM)
        for written in (self.digest(), self.digest().replace(":", "").lower()):
            impostor = Impostor(self.memory_core, http(pem))
            core = self.core_at(impostor, ca_fingerprint=written)
            self.assertEqual(self.done(core.authority()), self.memory_core.authority)

    def test_another_certificate_is_refused_even_if_the_key_vouches_for_it(self) -> None:
        core = self.memory_core.core(self.storage, ca_fingerprint="00" * 32)
        self.assertIn(self.digest(), str(self.failed(core.authority(), FingerprintMismatch)))
        self.assertIsNone(self.storage.load_authority())

    def test_a_kept_certificate_gives_way_to_a_new_fingerprint(self) -> None:
        self.done(self.memory_core.core(self.storage).authority())
        self.memory_core.replace_authority()
        core = self.memory_core.core(self.storage, ca_fingerprint=self.digest())
        self.assertEqual(self.done(core.authority()), self.memory_core.authority)
        self.assertEqual(self.storage.load_authority(), self.memory_core.authority)


class SignTests(CoreCase):
    """``POST /ca/sign``, over a connection that only the CA vouches for."""

    def sign_at(self, *steps: bytes, **options: Any) -> tuple[Core, Impostor]:
        """Return a view whose connections end at a server with a certificate of the right CA."""
        self.storage.save_authority(self.memory_core.authority)
        impostor = Impostor(self.memory_core, *steps, issuer=options.pop("issuer", self.memory_core.issuer), **options)
        return self.core_at(impostor, self.storage), impostor

    def claims(self, request: bytes) -> tuple[bytes, Any]:
        """Return the salt and the claims of the token in a request."""
        (value,) = (line[22:] for line in request.splitlines() if line.lower().startswith(b"authorization: bearer "))
        token = read_token(value)
        return token.salt, verify(token, derive_key(self.psk.secret, token.salt))

    def test_a_certificate_for_the_request_is_returned(self) -> None:
        credential = self.done(self.memory_core.core().sign(self.enrollment))
        self.assertEqual(credential.certificate, self.memory_core.issued[-1])
        self.assertEqual(credential.key, self.enrollment.key)
        credential.check(self.enrollment.names, self.memory_core.authority, self.memory_core.now())

    def test_the_token_is_good_for_this_request_only(self) -> None:
        core, impostor = self.sign_at(b"")
        self.failed(core.sign(self.enrollment), Unreachable)
        _, claims = self.claims(impostor.requests[0])
        binding = Binding("POST", "/ca/sign", body_digest(impostor.requests[0].partition(b"\r\n\r\n")[2]))
        check_binding(claims, binding, START.timestamp(), START.timestamp())

    def test_a_token_that_is_not_accepted_is_replaced_once_by_the_cores_clock(self) -> None:
        date = format_datetime(START + timedelta(seconds=290), usegmt=True)
        core, impostor = self.sign_at(http(b"", 401, ("Date", date)), UNAUTHORIZED)
        self.failed(core.sign(self.enrollment), Rejected)
        (salt, first), (same, second) = map(self.claims, impostor.requests)
        self.assertEqual((first["iat"], second["iat"]), (START.timestamp(), START.timestamp() + 290.9))
        self.assertNotEqual(first["jti"], second["jti"])
        self.assertEqual(salt, same)

    def test_a_wrong_key_is_told(self) -> None:
        digest = self.digest()
        core = self.memory_core.core(psk="another pre-shared key, 2", ca_fingerprint=digest)
        self.assertIn("did not accept the pre-shared key", str(self.failed(core.sign(self.enrollment), Rejected)))

    def test_busy_is_told_with_the_time_that_the_core_asks_for(self) -> None:
        core, _ = self.sign_at(BUSY)
        error = self.failed(core.sign(self.enrollment), Busy)
        assert isinstance(error, Busy)
        self.assertEqual(error.retry_after, 7)

    def test_a_certificate_that_was_not_asked_for_is_refused(self) -> None:
        self.done(self.memory_core.core().sign(self.enrollment))
        (right,) = self.memory_core.issued
        for other in (
            Enrollment.of(private_key(owner="other"), "web.example"),
            Enrollment.of(private_key(), "db.example"),
        ):
            core, _ = self.sign_at(http(right.public_bytes(Encoding.PEM)))
            self.failed(core.sign(other), UnfitCertificate)

    def test_a_server_of_another_ca_gets_nothing(self) -> None:
        core, impostor = self.sign_at(issuer=None)
        self.failed(core.sign(self.enrollment), OtherAuthority)
        self.assertEqual((impostor.requests, impostor.connections), ([], 1))

    def test_a_server_of_the_right_ca_with_another_name_gets_nothing(self) -> None:
        core, impostor = self.sign_at(names=("db.example",))
        message = str(self.failed(core.sign(self.enrollment), OtherName))
        self.assertIn("not for this name", message)
        self.assertIn("--host-dns-names", message)
        self.assertNotIn("on purpose", message)
        self.assertEqual(impostor.requests, [])

    def test_who_speaks_no_tls_gets_nothing(self) -> None:
        core, impostor = self.sign_at(plain=True)
        failure = self.begin(core.sign(self.enrollment))
        self.clock.advance(10)
        self.failureResultOf(failure, Unreachable)
        self.assertEqual(impostor.requests, [])


class RenewTests(CoreCase):
    """``POST /ca/renew``, with the certificate that is held."""

    def test_the_certificate_is_proof_enough(self) -> None:
        core = self.memory_core.core()
        first = self.done(core.sign(self.enrollment))
        second = self.done(core.renew(Subject.of("web.example").enroll(private_key(owner="second")), first))
        self.assertEqual(self.memory_core.store.entries[1].renews, first.certificate.serial_number)
        self.assertEqual(second.certificate, self.memory_core.issued[1])

    def test_one_that_has_ended_is_not_accepted(self) -> None:
        core = self.memory_core.core()
        first = self.done(core.sign(self.enrollment))
        self.clock.advance(365 * 86400)
        self.failed(core.renew(self.enrollment, first), Rejected)


class OtherAuthorityTests(CoreCase):
    """A core with another CA than the one that was kept."""

    def setUp(self) -> None:
        super().setUp()
        self.done(self.memory_core.core(self.storage).authority())
        self.first = self.memory_core.authority

    def sign(self) -> Any:
        return self.memory_core.core(self.storage).sign(self.enrollment)

    def test_it_is_an_error_that_names_the_kept_one_and_the_remedy(self) -> None:
        digest = self.digest()
        self.memory_core.replace_authority()
        attempts = self.memory_core.attempts
        message = str(self.failed(self.sign(), OtherAuthority))
        self.assertIn(digest, message)
        self.assertIn("memory", message)
        self.assertEqual(self.storage.load_authority(), self.first)
        self.assertEqual(self.memory_core.attempts, attempts + 1, "nothing is fetched unverified")

    def near_the_end(self, left: timedelta) -> None:
        self.clock.advance((self.first.not_valid_after_utc - left - self.memory_core.now()).total_seconds())
        self.memory_core.replace_authority()

    def test_until_30_days_before_its_end_it_stays(self) -> None:
        self.near_the_end(timedelta(days=30, seconds=1))
        self.failed(self.sign(), OtherAuthority)

    def test_from_then_on_it_gives_way_to_one_that_the_key_vouches_for(self) -> None:
        for left in (timedelta(days=30), timedelta(0)):
            self.near_the_end(left)
            self.assertEqual(self.done(self.sign()).certificate, self.memory_core.issued[-1])
            self.assertEqual(self.storage.load_authority(), self.memory_core.authority)
            self.assertNotEqual(self.memory_core.authority, self.first)
            self.setUp()

    def test_one_that_ended_is_not_even_tried(self) -> None:
        self.near_the_end(timedelta(0))
        attempts = self.memory_core.attempts
        self.assertEqual(self.done(self.memory_core.core(self.storage).authority()), self.memory_core.authority)
        self.assertEqual(self.memory_core.attempts, attempts + 1)

    def test_but_not_to_one_that_it_does_not(self) -> None:
        self.near_the_end(timedelta(days=29))
        core = self.memory_core.core(self.storage, psk="another pre-shared key, 2")
        self.failed(core.sign(self.enrollment), WrongPreSharedKey)
        self.assertEqual(self.storage.load_authority(), self.first)

    def test_nor_to_one_without_the_fingerprint(self) -> None:
        digest = self.digest()
        self.near_the_end(timedelta(days=29))
        self.failed(
            self.memory_core.core(self.storage, ca_fingerprint=digest).sign(self.enrollment), FingerprintMismatch
        )


class ReachTests(CoreCase):
    """Cores that cannot be reached, or are described wrongly."""

    def test_a_refused_connection_is_told(self) -> None:
        self.memory_core.reachable = False
        error = self.failed(self.memory_core.core().authority(), Unreachable)
        self.assertRegex(str(error), "https://core.example:8900 cannot be reached .*refused.*; see that the core is")

    def test_without_tls_the_core_still_proves_itself(self) -> None:
        impostor = Impostor(self.memory_core, self.endorsed(), plain=True)
        core = self.core_at(impostor, url="http://core.example:8900")
        self.assertEqual(self.done(core.authority()), self.memory_core.authority)

    def test_a_storage_that_fails_is_told(self) -> None:
        def fails(authority: object) -> None:
            raise StateError("ca.crt", "cannot be written (No space left on device)", "make room")

        self.storage.save_authority = fails  # type: ignore[method-assign]
        core = self.memory_core.core(self.storage)
        self.failed(core.authority(), StateError)
        self.assertIsNone(core.known_authority)


class DescriptionTests(Case):
    def test_what_cannot_work_is_refused_before_anything_is_sent(self) -> None:
        runtime = MemoryCore().runtime
        for url, psk, digest, why in (
            ("core.example:8900", "key", None, "is not the address of a core"),
            ("https://core.example:8900", "", None, "the pre-shared key is empty"),
            ("https://core.example:8900", "key", "AA:BB", "64 hex digits"),
        ):
            with self.assertRaisesRegex(ValueError, why):
                Core(url, psk, MemoryStorage(), runtime, digest)

    def test_shows_no_key(self) -> None:
        self.assertNotIn("unmistakable", repr(MemoryCore(psk="unmistakable").core()))
