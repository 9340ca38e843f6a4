"""Somebody who owns the network stands between a component and its core at the first contact, and gets nothing.

Real TLS over real sockets, by the real time; the attacker knows everything that the core ever sent to strangers, and
tokens that components sent to it, but not the pre-shared key.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.agent import CertificateService, Core, DirectoryStorage, OtherAuthority, Runtime, Subject
from pkid.answers import BadAnswer, Busy
from pkid.auth.component import (
    ExpiredEndorsement,
    FingerprintMismatch,
    NoEndorsement,
    WrongPreSharedKey,
    bound_token,
)
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import Binding, TokenSigner, body_digest
from pkid.ca.enrollment import Enrollment
from pkid.ca.issuer import make_root
from pkid.ca.request import read_request
from pkid.ca.trust import UnfitAuthority, fingerprint
from pkid.client import Client
from pkid.exchange import Unreachable, UntrustedServer
from tests.certificates import (
    PSK,
    SALT,
    SERIAL,
    csr_pem,
    encode_segment,
    handmade_token,
    make_token,
    private_key,
    profile,
    signing_key,
)
from tests.scripted import Scripted, Step, drip, http, scripted, silence
from tests.test_exchange import server_context

OTHER = PreSharedKey("default", "another pre-shared key, 2")
ATTEMPTS = 5
"""How often the client for scripts tries what might be an accident."""

if TYPE_CHECKING:
    Base = TestCase
else:
    Base = object


class MiddleTests(Base):
    """What somebody in the middle may try."""

    timeout = 60
    patience = timedelta(seconds=20)  # of a component, for one exchange
    untrusted: type[Exception] = UntrustedServer

    def setUp(self) -> None:
        self.now = datetime.now(UTC)
        self.directory = Path(self.mktemp())
        self.directory.mkdir(parents=True)
        self.core = make_root(private_key(owner="authority"), self.now, SERIAL)
        self.own = make_root(private_key(owner="impostor"), self.now, SERIAL)
        self.right, self.wrong = (each.certificate.public_bytes(Encoding.PEM) for each in (self.core, self.own))

    def contact(self, url: str, psk: str) -> Awaitable[Any]:
        """Do what a component does: trust, then get a certificate."""
        raise NotImplementedError

    def check_nothing_is_kept(self) -> None:
        """Check that nothing of the attacker's is believed the next time."""

    def vouching(self, pem: bytes, **token: Any) -> str:
        """Return a token as the core sends it with this CA certificate, or one with other claims."""
        digest = fingerprint((self.core if pem == self.right else self.own).certificate.public_bytes(Encoding.DER))
        claims = token.pop("claims", {"sha256_fingerprint": digest})
        expires_at = token.pop("expires_at", self.now.timestamp() + 300)
        return make_token(claims, expires_at=expires_at, **token).decode()

    def answer(self, pem: bytes, token: str | bytes) -> bytes:
        """Write an answer to ``GET /ca/cert``."""
        shown = token if isinstance(token, str) else token.decode()
        return http(pem, 200, ("Authorization", f"Bearer {shown}"))

    async def try_out(self, error: type[Exception], *steps: Step, psk: str = PSK.secret) -> Scripted:
        """Let a component come, and check that it leaves with this error; return what the attacker saw."""
        serving = scripted(*steps, context=server_context(self.own, self.directory, "localhost"))
        server = serving.__enter__()
        try:
            await self.contact(server.url, psk)
        except error as caught:
            self.assertIs(type(caught), error)
            self.assertNotIn(psk, str(caught))
        else:
            self.fail("the attacker was believed")
        finally:
            await deferToThread(serving.__exit__, None, None, None)
        return server

    async def gets_nothing(self, error: type[Exception], *steps: Step, psk: str = PSK.secret) -> None:
        """Check that nobody is trusted, and that all that is heard are questions without any proof of the key."""
        server = await self.try_out(error, *steps, psk=psk)
        for request in server.requests:
            self.assertTrue(request.startswith(b"GET /ca/cert HTTP/1.1\r\n"), request)
            self.assertNotIn(b"uthorization", request)
        self.assertGreater(len(server.requests), 0)
        self.check_nothing_is_kept()

    async def test_an_own_ca(self) -> None:
        await self.gets_nothing(NoEndorsement, http(self.wrong))
        await self.gets_nothing(WrongPreSharedKey, self.answer(self.wrong, self.vouching(self.wrong, psk=OTHER)))

    async def test_the_cores_own_token_with_another_ca(self) -> None:
        await self.gets_nothing(FingerprintMismatch, self.answer(self.wrong, self.vouching(self.right)))
        await self.gets_nothing(FingerprintMismatch, self.answer(self.wrong + self.right, self.vouching(self.right)))

    async def test_an_answer_of_long_ago(self) -> None:
        then = self.now.timestamp() - 61
        await self.gets_nothing(ExpiredEndorsement, self.answer(self.right, self.vouching(self.right, expires_at=then)))

    async def test_a_stripped_header(self) -> None:
        await self.gets_nothing(NoEndorsement, http(self.right))

    async def test_a_token_for_another_fingerprint(self) -> None:
        await self.gets_nothing(FingerprintMismatch, self.answer(self.right, self.vouching(self.wrong)))

    async def test_a_wrong_key(self) -> None:
        await self.gets_nothing(WrongPreSharedKey, self.answer(self.right, self.vouching(self.right)), psk=OTHER.secret)

    async def test_a_token_that_nobody_signed(self) -> None:
        payload = b'{"sha256_fingerprint": "%s", "exp": 9999999999}' % fingerprint(self.wrong).encode()
        for header in (b'{"alg": "none"}', b'{"alg": "none", "salt": "AAECAwQFBgcICQoLDA0ODw=="}'):
            bare = encode_segment(header) + b"." + encode_segment(payload) + b"."
            await self.gets_nothing(WrongPreSharedKey, self.answer(self.wrong, bare))
            await self.gets_nothing(WrongPreSharedKey, self.answer(self.wrong, handmade_token(header, payload, b"")))

    async def test_a_token_that_was_signed_to_ask_for_a_certificate(self) -> None:
        for path, digest in (("/ca/sign", body_digest(csr_pem())), ("/ca/renew", body_digest(self.wrong))):
            bound = bound_token(
                TokenSigner(signing_key(), SALT), Binding("POST", path, digest), "once", self.now.timestamp()
            )
            await self.gets_nothing(NoEndorsement, self.answer(self.wrong, bound))
        plain = make_token({}, expires_at=self.now.timestamp() + 300)
        await self.gets_nothing(NoEndorsement, self.answer(self.wrong, plain))

    async def test_a_certificate_of_the_cores_that_is_no_authoritys(self) -> None:
        leaf = self.core.sign(profile().check(read_request(csr_pem(dns=["localhost"]))), self.now, SERIAL)
        digest = fingerprint(leaf.public_bytes(Encoding.DER))
        token = self.vouching(self.right, claims={"sha256_fingerprint": digest})
        await self.gets_nothing(UnfitAuthority, self.answer(leaf.public_bytes(Encoding.PEM), token))

    async def test_a_redirect(self) -> None:
        with scripted(self.answer(self.right, self.vouching(self.right))) as elsewhere:
            for status in (301, 302, 307, 308):
                there = http(b"", status, ("Location", f"{elsewhere.url}/ca/cert"))
                await self.gets_nothing(BadAnswer, there, there)
        self.assertEqual(elsewhere.requests, [])

    async def test_an_answer_that_is_huge(self) -> None:
        await self.gets_nothing(BadAnswer, self.answer(self.right + b"\n" * 200_000, self.vouching(self.right)))
        await self.gets_nothing(BadAnswer, http(b"", 200, *[(f"X-{n}", "x" * 8000) for n in range(90)]))

    async def test_an_answer_that_is_slow(self) -> None:
        self.patience = timedelta(seconds=1)
        for slow in (silence, drip):
            await self.gets_nothing(Unreachable, *[slow] * ATTEMPTS)

    async def test_a_core_that_says_it_is_busy(self) -> None:
        await self.gets_nothing(Busy, *[http(b"", 503, ("Retry-After", "0"))] * ATTEMPTS)

    async def test_who_passes_the_right_ca_on_hears_no_token(self) -> None:
        """The first connection is believed for what it says, and the next one must prove itself by that."""
        server = await self.try_out(self.untrusted, self.answer(self.right, self.vouching(self.right)), b"", b"")
        self.assertEqual([request.split()[1] for request in server.requests], [b"/ca/cert"])


class ClientTests(MiddleTests, TestCase):
    """:mod:`pkid.client`, for scripts."""

    def contact(self, url: str, psk: str) -> Awaitable[Any]:
        client = Client(url, psk, self.patience, sleep=lambda pause: None)
        enrollment = Enrollment.of(private_key(), "localhost")
        return deferToThread(lambda: client.signed_chain(enrollment, client.ca_cert()))


class AgentTests(MiddleTests, TestCase):
    """:mod:`pkid.agent`, with a certificate service that keeps everything in a directory."""

    untrusted = OtherAuthority

    async def contact(self, url: str, psk: str, ca_fingerprint: str | None = None) -> None:
        storage = DirectoryStorage(self.directory / "agent")
        core = Core(url, psk, storage, Runtime.of(reactor), ca_fingerprint, self.patience)
        self.service = CertificateService(core, Subject.of("localhost"), storage)
        self.service.startService()
        try:
            await self.service.renew()
        finally:
            self.service.stopService()

    def check_nothing_is_kept(self) -> None:
        self.assertIsNone(self.service.credential)
        self.assertIsNone(self.service.core.known_authority)
        self.assertFalse((self.directory / "agent").exists())

    async def test_a_fingerprint_that_was_given_is_worth_more_than_the_keys_word(self) -> None:
        """Somebody who even knows the key, but not whose key the CA is."""
        contact, given = self.contact, fingerprint(self.core.certificate.public_bytes(Encoding.DER))
        self.patch(self, "contact", lambda url, psk: contact(url, psk, given))
        await self.gets_nothing(FingerprintMismatch, self.answer(self.wrong, self.vouching(self.wrong)))
