"""A component's view of one core: whom to trust, and how to get certificates, on the reactor.

Knows what to ask and in which order; what is to be trusted is decided in :mod:`pkid.ca.trust` and
:mod:`pkid.auth.component`, what an answer means in :mod:`pkid.answers`.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.logger import Logger

from pkid.agent.contexts import UnverifiedClient, VerifyingClient
from pkid.agent.credential import Credential
from pkid.agent.exchange import exchange
from pkid.agent.introduction import Introduction
from pkid.agent.runtime import Runtime
from pkid.agent.shared import Shared
from pkid.agent.storage import Storage
from pkid.answers import Answer, CoreError, Rejected, busy, certificates, clock_offset, endorsements, succeeded
from pkid.auth.component import FingerprintMismatch, NoEndorsement, bound_token, check_endorsement
from pkid.auth.tokens import Binding, body_digest
from pkid.ca.enrollment import Enrollment
from pkid.ca.renewal import replaceable_from
from pkid.ca.trust import check_authority, fingerprint, read_fingerprint, same_fingerprint
from pkid.errors import StateError
from pkid.exchange import OtherName, Request, Unreachable, UntrustedServer
from pkid.jwt import token_signer
from pkid.origin import Origin

__all__ = ["TIMEOUT", "Core", "NoPreSharedKey", "OtherAuthority"]

TIMEOUT = timedelta(seconds=10)
"""How long one exchange may take, unless told otherwise."""

_Send = Callable[[VerifyingClient], Awaitable[Answer]]


class OtherAuthority(UntrustedServer):
    """The core does not prove itself by the CA certificate that was kept from an earlier time."""


class NoPreSharedKey(CoreError):
    """The core can only be asked with a pre-shared key, and there is none."""


class Core:
    """One core, and the CA certificate by which it is known.

    The first time, the CA certificate is fetched over whatever connection, and believed only with the word of the
    pre-shared key, or if it has the fingerprint that was given. Then it is kept, and nothing else is trusted; only when
    it is near its end, and the core no longer proves itself by it, another one is fetched in the same way.

    :param url: where the core is, as ``https://HOST:PORT``.
    :param storage: keeps the CA certificate.
    :param ca_fingerprint: the SHA-256 of the CA certificate in hex; then the key's word for it is not needed.
    :param timeout: for one exchange.
    :param introduction: the certificate to get the first one with; then the pre-shared key may be empty.
    :raises ValueError: when one of them cannot be used.
    """

    _log = Logger()

    def __init__(
        self,
        url: str,
        psk: str,
        storage: Storage,
        runtime: Runtime,
        ca_fingerprint: str | None = None,
        timeout: timedelta = TIMEOUT,
        introduction: Introduction | None = None,
    ) -> None:
        if not psk and introduction is None:
            raise ValueError("the pre-shared key is empty, so it proves nothing; give the core's")
        self.runtime = runtime
        self.origin = Origin.of(url)
        self._psk = psk
        self._storage = storage
        self._fingerprint = None if ca_fingerprint is None else read_fingerprint(ca_fingerprint)
        self._timeout = timeout
        self._introduction = introduction
        self._kept: x509.Certificate | None = None
        self._find = Shared(self._find_authority)

    @property
    def known_authority(self) -> x509.Certificate | None:
        """The CA certificate, if it is known already."""
        return self._kept

    def load(self) -> None:
        """Take the CA certificate that was kept, if there is one; blocks.

        One that does not have the given fingerprint is forgotten: then another CA is wanted on purpose.

        :raises StateError: when it cannot be used.
        """
        kept = self._storage.load_authority()
        self._kept = kept if kept is not None and self._is_wanted(kept) else None

    def authority(self) -> Deferred[x509.Certificate]:
        """Fire with the CA certificate; it is looked up or fetched once for all who ask.

        Fails with a :class:`TrustError`, a :class:`CoreError`, or a :class:`StateError` about the kept one.
        """
        return self._find()

    async def enroll(self, enrollment: Enrollment) -> Credential:
        """Get a certificate without having one: with the one that was given for that, else with the pre-shared key.

        The errors are those of :meth:`sign`, and a :class:`StateError` about the given one if there is no key.
        """
        if self._introduction is None:
            return await self.sign(enrollment)
        given, now = self._introduction, self.runtime.now()
        try:
            return await self.renew(enrollment, await self.runtime.offload(lambda: given.credential(enrollment, now)))
        except (Rejected, StateError, Unreachable) as error:
            if not self._psk or (isinstance(error, Unreachable) and error.transient):
                raise
            self._log.info("not known by the certificate that was given ({error}), so by the key", error=error)
        return await self.sign(enrollment)

    async def sign(self, enrollment: Enrollment) -> Credential:
        """Get a certificate with the pre-shared key.

        A token that was not accepted is replaced once, by one that is made by the core's clock.

        :raises TrustError: when the core, or the certificate that it sent, is not to be trusted.
        :raises CoreError: when it cannot be asked, or says no.
        :raises StateError: when the CA certificate cannot be kept.
        """
        request = Request("POST", self.origin.at("/ca/sign"), await self.runtime.offload(enrollment.request))
        return await self._certified(enrollment, await self._ask_with_key(request))

    async def renew(self, enrollment: Enrollment, credential: Credential) -> Credential:
        """Get a certificate with the one that is held, which must not have ended; the errors are those of :meth:`sign`.

        Where the core has no TLS, the certificate cannot be shown, and is refused.
        """
        body = await self.runtime.offload(enrollment.request)

        async def send(tls: VerifyingClient) -> Answer:
            return await self._exchange(Request("POST", self.origin.at("/ca/renew"), body), tls)

        return await self._certified(enrollment, await self._ask(send, credential))

    async def ask(self, request: Request) -> Answer:
        """Ask for anything else with the pre-shared key; the errors are those of :meth:`sign`.

        :param request: without a credential, for a path of the core.
        :return: an answer with status 200, of 96 KiB at most.
        """
        return succeeded(await self._ask_with_key(replace(request, path=self.origin.at(request.path))))

    async def _ask_with_key(self, request: Request) -> Answer:
        if not self._psk:
            raise NoPreSharedKey(
                f"{self.origin} wants to know who asks, and there is no pre-shared key; give it, or a current"
                " certificate to begin with"
            )

        async def send(tls: VerifyingClient) -> Answer:
            answer = await self._exchange(await self._bound(request), tls)
            if answer.status == HTTPStatus.UNAUTHORIZED:
                answer = await self._exchange(await self._bound(request, clock_offset(answer, self._now())), tls)
            return answer

        return await self._ask(send)

    async def _certified(self, enrollment: Enrollment, answer: Answer) -> Credential:
        """Take the certificate in an answer, if it is the one that was wanted."""
        certificate, *intermediates = certificates(succeeded(answer))
        authority, now = await self.authority(), self.runtime.now()
        await self.runtime.offload(lambda: enrollment.check(certificate, authority, now, intermediates))
        return Credential(enrollment.key, certificate, tuple(intermediates))

    async def _ask(self, send: _Send, credential: Credential | None = None) -> Answer:
        """Send to a core that the CA certificate vouches for; for a good reason, to one that its successor does."""
        authority = await self.authority()
        try:
            return await send(self._verifying(authority, credential))
        except OtherName:
            raise
        except UntrustedServer as error:
            if self.runtime.now() < replaceable_from(authority.not_valid_before_utc, authority.not_valid_after_utc):
                raise self._other_authority(authority, error) from None
        self._log.warn("the CA certificate that is trusted is near its end, and {core} has another", core=self.origin)
        self._kept = await self._fetch_authority()
        return await send(self._verifying(self._kept, credential))

    def _verifying(self, authority: x509.Certificate, credential: Credential | None) -> VerifyingClient:
        return VerifyingClient(self.origin.host, authority, self.runtime.now(), credential)

    async def _find_authority(self) -> x509.Certificate:
        if self._kept is None:
            await self.runtime.offload(self.load)
        if self._kept is None or self.runtime.now() >= self._kept.not_valid_after_utc:
            self._kept = await self._fetch_authority()
        return self._kept

    async def _fetch_authority(self) -> x509.Certificate:
        """Fetch the CA certificate from whoever answers, and keep it if it is the right one."""
        answer = succeeded(
            await self._exchange(Request("GET", self.origin.at("/ca/cert")), UnverifiedClient(self.origin.host))
        )
        certificate = certificates(answer)[0]
        await self.runtime.offload(lambda: self._check_fetched(certificate, answer))
        await self.runtime.offload(lambda: self._storage.save_authority(certificate))
        self._log.info(
            "trusting the CA certificate of {core} with the fingerprint {fingerprint}",
            core=self.origin, fingerprint=_fingerprint(certificate),
        )  # fmt: skip
        return certificate

    def _check_fetched(self, certificate: x509.Certificate, answer: Answer) -> None:
        if self._fingerprint is None and not self._psk:
            raise NoEndorsement(f"nothing vouches for {self.origin}; give its CA certificate or its fingerprint")
        if self._fingerprint is None:
            check_endorsement(endorsements(answer), self._psk, _fingerprint(certificate), self._now())
        elif not self._is_wanted(certificate):
            raise FingerprintMismatch(
                f"{self.origin} has a CA certificate with the fingerprint {_fingerprint(certificate)}, which is not the"
                " one given; see that it was copied rightly, or somebody may be between you and the core"
            )
        check_authority(certificate, self.runtime.now())

    def _is_wanted(self, certificate: x509.Certificate) -> bool:
        return self._fingerprint is None or same_fingerprint(_fingerprint(certificate), self._fingerprint)

    async def _bound(self, request: Request, offset: float = 0.0) -> Request:
        """Give a request a token of its own, by a clock that is so many seconds ahead of ours."""
        signer = await self.runtime.offload(lambda: token_signer(self._psk))
        binding = Binding(request.method, request.path, body_digest(request.body))
        token = bound_token(signer, binding, os.urandom(16).hex(), self._now() + offset)
        return replace(request, headers=(*request.headers, ("Authorization", f"Bearer {token}")))

    async def _exchange(self, request: Request, tls: IOpenSSLClientConnectionCreator) -> Answer:
        endpoint = self.runtime.reach(self.origin.host, self.origin.port)
        answer = await exchange(self.origin, request, endpoint, tls, self._timeout, self.runtime.clock)
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise busy(answer)
        return answer

    def _other_authority(self, authority: x509.Certificate, error: UntrustedServer) -> OtherAuthority:
        return OtherAuthority(
            f"{error}. The CA that is trusted since the first contact has the fingerprint {_fingerprint(authority)}"
            f" and is kept in {self._storage.place}; if the core was given another CA on purpose, remove it from there,"
            " else somebody may be between you and the core"
        )

    def _now(self) -> float:
        return self.runtime.now().timestamp()


def _fingerprint(certificate: x509.Certificate) -> str:
    return fingerprint(certificate.public_bytes(Encoding.DER))
