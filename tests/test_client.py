"""What a script gets from a core, and from whoever answers in its place."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.auth.tokens import Binding, body_digest, check_binding, check_claims, derive_key, read_token, verify
from pkid.ca.enrollment import Enrollment
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.request import read_request
from pkid.ca.trust import fingerprint
from pkid.client import (
    BadAnswer,
    Client,
    ExpiredEndorsement,
    FingerprintMismatch,
    NoEndorsement,
    Rejected,
    UnfitAuthority,
    UnfitCertificate,
    WrongPreSharedKey,
)
from tests.certificates import NOON, PSK, SERIAL, authority, csr_pem, make_token, private_key, profile, root
from tests.scripted import Scripted, Step, http, scripted
from tests.support import Case
from tests.test_layers import is_within, loaded_by

NOW = NOON.timestamp()
UNAUTHORIZED = http(b"401: Unauthorized", 401, ("WWW-Authenticate", "Bearer"))
BUSY = http(b"Error: busy\nMessage: too many requests are waiting; try again", 503, ("Retry-After", "1"))


class ClientCase(Case):
    """Asks servers by a clock that stands at :data:`NOON`; pauses are noted and not waited for."""

    def setUp(self) -> None:
        self.pauses: list[float] = []
        self.authority = root().certificate

    def client(self, server: Scripted, psk: str = PSK.secret, now: float = NOW) -> Client:
        return Client(
            server.url, psk, timedelta(seconds=20), now=lambda: now, sleep=self.pauses.append, random=lambda: 0.0
        )


class TrustTests(ClientCase):
    """``GET /ca/cert``."""

    def answer(self, body: bytes | None = None, *more: tuple[str, str], **token: Any) -> bytes:
        """Write the core's answer, or one with another body, another token or more headers."""
        claims = {"sha256_fingerprint": fingerprint(self.authority.public_bytes(Encoding.DER))}
        encoded = make_token(token.pop("claims", claims), expires_at=token.pop("expires_at", NOW + 300), **token)
        pem = self.authority.public_bytes(Encoding.PEM)
        return http(pem if body is None else body, 200, ("Authorization", f"Bearer {encoded.decode()}"), *more)

    def trust(self, *answers: Step, **options: Any) -> x509.Certificate:
        with scripted(*answers) as self.server:
            return self.client(self.server, **options).ca_cert()

    def refused(self, error: type[Exception], *answers: Step, **options: Any) -> None:
        with self.assertRaises(error) as caught:
            self.trust(*answers, **options)
        self.assertIs(type(caught.exception), error)
        self.assertNotIn(PSK.secret, str(caught.exception))
        self.assertEqual(self.pauses, [])

    def test_the_cores_certificate_is_returned(self) -> None:
        self.assertEqual(self.trust(self.answer()), self.authority)
        self.assertTrue(self.server.requests[0].startswith(b"GET /ca/cert HTTP/1.1\r\n"))
        self.assertNotIn(b"uthorization", self.server.requests[0])

    def test_the_first_certificate_counts(self) -> None:
        chain = self.authority.public_bytes(Encoding.PEM) + other_root().certificate.public_bytes(Encoding.PEM)
        self.assertEqual(self.trust(self.answer(chain)), self.authority)

    def test_another_certificate_is_refused(self) -> None:
        other = other_root().certificate.public_bytes(Encoding.PEM)
        self.refused(FingerprintMismatch, self.answer(other))
        self.refused(FingerprintMismatch, self.answer(other + self.authority.public_bytes(Encoding.PEM)))

    def test_without_a_token_it_is_refused(self) -> None:
        pem = self.authority.public_bytes(Encoding.PEM)
        self.refused(NoEndorsement, http(pem))
        self.refused(NoEndorsement, http(pem, 200, ("Authorization", "Basic eA==")))
        self.refused(NoEndorsement, self.answer(claims={}))

    def test_with_another_key_it_is_refused(self) -> None:
        self.refused(WrongPreSharedKey, self.answer(), psk="nobody knows this key here")

    def test_an_answer_that_is_played_again_is_refused(self) -> None:
        self.refused(ExpiredEndorsement, self.answer(), now=NOW + 360)

    def test_while_keys_are_rotated_each_key_finds_its_token(self) -> None:
        claims = {"sha256_fingerprint": fingerprint(self.authority.public_bytes(Encoding.DER))}
        new, third = type(PSK)("new", "a newer pre-shared key, 2"), type(PSK)("third", "a third pre-shared key, 3")
        others = [
            ("PKID-Fingerprint-Token", make_token(claims, expires_at=NOW + 300, psk=psk, header={"kid": psk.name}))
            for psk in (third, new)
        ]
        headers = [(name, token.decode()) for name, token in others]
        for psk in (PSK, new, third):
            self.assertEqual(self.trust(self.answer(None, *headers), psk=psk.secret), self.authority)
        self.refused(WrongPreSharedKey, self.answer(None, *headers), psk="nobody knows this key here")

    def test_a_certificate_that_is_no_authoritys_is_refused(self) -> None:
        leaf = sign(csr_pem(dns=["a.example"]))
        claims = {"sha256_fingerprint": fingerprint(leaf.public_bytes(Encoding.DER))}
        self.refused(UnfitAuthority, self.answer(leaf.public_bytes(Encoding.PEM), claims=claims))
        late = NOW + 3650 * 86400
        self.refused(UnfitAuthority, self.answer(expires_at=late + 300), now=late)

    def test_what_is_no_certificate_is_refused(self) -> None:
        pem = self.authority.public_bytes(Encoding.PEM)
        for body in (b"", b"<html>", pem[:-40], pem.replace(b"M", b"A", 3)):
            self.refused(BadAnswer, self.answer(body))

    def test_a_redirect_is_not_followed(self) -> None:
        self.refused(BadAnswer, http(b"", 307, ("Location", "/ca/cert")), self.answer())
        self.assertEqual(len(self.server.requests), 1)

    def test_other_statuses_are_told_and_not_tried_again(self) -> None:
        for status in (400, 401, 404, 418, 500):
            self.refused(Rejected, http(b"no", status), self.answer())
            self.assertEqual(len(self.server.requests), 1)

    def test_what_a_stranger_says_cannot_touch_the_terminal(self) -> None:
        with self.assertRaises(Rejected) as caught:
            self.trust(http(b"\x1b[2J\rgone \xff" + b"x" * 5000, 404))
        self.assertTrue(str(caught.exception).isprintable())
        self.assertLess(len(str(caught.exception)), 300)


class SignTests(ClientCase):
    """``POST /ca/sign``, over plain HTTP, so that nothing but the checks stands between."""

    def setUp(self) -> None:
        super().setUp()
        self.enrollment = Enrollment.of(private_key(), "web", ["web.example"], ["192.0.2.7"])

    def ask(self, *answers: Step) -> x509.Certificate:
        (certificate,) = self.ask_for_chain(*answers)
        return certificate

    def ask_for_chain(self, *answers: Step) -> list[x509.Certificate]:
        with scripted(*answers) as self.server:
            return self.client(self.server).signed_chain(self.enrollment, self.authority)

    def claims(self, number: int) -> tuple[bytes, Any]:
        """Return the salt and the claims of the token in a request."""
        head = self.server.requests[number].partition(b"\r\n\r\n")[0]
        (value,) = (line[15:] for line in head.splitlines() if line.startswith(b"Authorization: "))
        token = read_token(value.removeprefix(b"Bearer "))
        return token.salt, verify(token, derive_key(PSK.secret, token.salt))

    def test_a_certificate_for_the_request_is_returned(self) -> None:
        certificate = self.ask(signing())
        self.assertEqual(certificate.public_key(), private_key().public_key())
        head, _, body = self.server.requests[0].partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"POST /ca/sign HTTP/1.1\r\n"))
        self.assertEqual(profile().check(read_request(body)).names, self.enrollment.names)

    def test_intermediates_are_followed_and_returned(self) -> None:
        top = authority("CN=top")
        self.authority = top.certificate
        issuer = authority("CN=bottom", authority("CN=middle", top))
        certificate = sign(csr_pem(dns=["web.example"], ip=["192.0.2.7"]), issuer)
        chain = [certificate, *issuer.intermediates]
        body = b"".join(each.public_bytes(Encoding.PEM) for each in chain)
        self.assertEqual(self.ask_for_chain(http(body)), chain)
        with self.assertRaisesRegex(UnfitCertificate, "trusted CA"):
            self.ask_for_chain(http(certificate.public_bytes(Encoding.PEM)))

    def test_the_token_is_good_for_this_request_only(self) -> None:
        self.ask(signing())
        body = self.server.requests[0].partition(b"\r\n\r\n")[2]
        _, claims = self.claims(0)
        check_claims(claims, NOW)
        identifier = check_binding(claims, Binding("POST", "/ca/sign", body_digest(body)), NOW, NOW)
        self.assertEqual(len(identifier), 32)

    def test_each_attempt_has_its_own_token_and_the_process_one_salt(self) -> None:
        self.ask(b"", BUSY, UNAUTHORIZED, signing())
        sent = [self.claims(number) for number in range(4)]
        self.assertEqual(len({claims["jti"] for _, claims in sent}), 4)
        self.assertEqual(len({salt for salt, _ in sent}), 1)
        self.assertEqual(len({request.partition(b"\r\n\r\n")[2] for request in self.server.requests}), 1)

    def test_a_token_that_is_not_accepted_is_replaced_once(self) -> None:
        with self.assertRaisesRegex(Rejected, "did not accept the pre-shared key") as caught:
            self.ask(UNAUTHORIZED, UNAUTHORIZED, signing())
        self.assertEqual((caught.exception.status, len(self.server.requests), self.pauses), (401, 2, []))

    def test_the_next_token_is_made_by_the_cores_clock(self) -> None:
        for date, issued in (
            (format_datetime(NOON + timedelta(seconds=290)), NOW + 290.9),
            (format_datetime(NOON - timedelta(seconds=290)), NOW - 289.1),
            (format_datetime(NOON + timedelta(seconds=310)), NOW),
            (format_datetime(NOON - timedelta(seconds=310)), NOW),
            ("some day", NOW),
            ("Thu, 01 Jan 0001 00:00:00 +2359", NOW),
        ):
            self.ask(http(b"", 401, ("Date", date)), signing())
            self.assertEqual((self.claims(0)[1]["iat"], self.claims(1)[1]["iat"]), (NOW, issued), date)

    def test_a_refusal_is_told_with_its_code_and_not_tried_again(self) -> None:
        refusal = http(b"Error: not-allowed\nMessage: the policy does not allow the name web", 403)
        with self.assertRaisesRegex(Rejected, "the policy does not allow the name web") as caught:
            self.ask(refusal, signing())
        self.assertEqual((caught.exception.status, caught.exception.code), (403, "not-allowed"))
        self.assertEqual(len(self.server.requests), 1)

    def test_a_certificate_that_was_not_asked_for_is_refused(self) -> None:
        other_key, names = private_key(owner="other"), {"dns": ["web.example"], "ip": ["192.0.2.7"]}
        for certificate, why in (
            (sign(csr_pem(other_key, **names)), "another key"),
            (sign(csr_pem(dns=["web.example"])), "lacks names"),
            (sign(csr_pem(dns=["web.example", "*.web.example"], ip=["192.0.2.7"])), "nobody asked for"),
            (sign(csr_pem(**names), other_root()), "trusted CA"),
            (sign(csr_pem(**names), now=NOON - timedelta(days=365)), "was valid until"),
            (sign(csr_pem(**names), now=NOON + timedelta(days=1)), "valid only from"),
        ):
            with self.assertRaisesRegex(UnfitCertificate, why):
                self.ask(http(certificate.public_bytes(Encoding.PEM)))

    def test_an_answer_without_a_certificate_is_refused(self) -> None:
        self.assertRaises(BadAnswer, self.ask, http(b"fine"))


class AddressTests(Case):
    def test_what_cannot_work_is_refused_before_anything_is_sent(self) -> None:
        with self.assertRaisesRegex(ValueError, "is not the address of a core"):
            Client("localhost:8900", PSK.secret)
        with self.assertRaisesRegex(ValueError, "the pre-shared key is empty"):
            Client("https://localhost:8900", "")

    def test_shows_no_key(self) -> None:
        self.assertNotIn(PSK.secret, repr(Client("https://localhost:8900", PSK.secret)))


class ImportTests(Case):
    def test_a_script_loads_nothing_of_twisted(self) -> None:
        loaded = loaded_by("pkid.client", "pkid.x509", "pkid.jwt")
        self.assertIn("pkid.client", loaded)
        self.assertEqual([name for name in loaded if is_within(name, "twisted", "zope", "OpenSSL", "sqlalchemy")], [])

    def test_the_daemon_loads_nothing_of_the_client(self) -> None:
        loaded = loaded_by("pkid.settings.resolution", "pkid.tap", "pkid.service")
        theirs = ("pkid.client", "pkid.exchange", "pkid.answers", "pkid.jwt", "pkid.x509")
        self.assertEqual([name for name in loaded if is_within(name, *theirs)], [])


def other_root() -> Issuer:
    """Return an authority with the name of :func:`root` and another key."""
    return make_root(private_key(owner="impostor"), NOON - timedelta(days=365), SERIAL)


def sign(body: bytes, issuer: Issuer | None = None, now: datetime = NOON) -> x509.Certificate:
    """Sign a request."""
    return (issuer or root()).sign(profile().check(read_request(body)), now, SERIAL)


def signing() -> Callable[[socket.socket, bytes], None]:
    """Answer as a core does: with a certificate for the request that came."""

    def step(connection: socket.socket, request: bytes) -> None:
        certificate = sign(request.partition(b"\r\n\r\n")[2])
        connection.sendall(http(certificate.public_bytes(Encoding.PEM)))

    return step
