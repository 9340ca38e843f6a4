"""Trust and certificates for scripts: plain blocking functions, without Twisted.

>>> ca_cert = get_ca_cert(uri="https://localhost:8900", psk="...")
>>> key, cert = get_signed_cert("web.example", uri="https://localhost:8900", psk="...", ca_cert=ca_cert)

Knows when to ask the core again, and what its answers mean; what is to be trusted is decided in :mod:`pkid.ca.trust`
and :mod:`pkid.auth.component`. Errors are a :class:`TrustError` (somebody else answered, or the key is wrong), a
:class:`CoreError` (ask later, or ask for something else) or a :class:`~pkid.errors.Refused` for names that no core
would sign.
"""

from __future__ import annotations

import os
import random
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.answers import (
    Answer,
    BadAnswer,
    Busy,
    CoreError,
    Rejected,
    busy,
    certificates,
    clock_offset,
    endorsements,
    succeeded,
)
from pkid.auth.component import (
    ExpiredEndorsement,
    FingerprintMismatch,
    NoEndorsement,
    WrongPreSharedKey,
    bound_token,
    check_endorsement,
)
from pkid.auth.tokens import Binding, body_digest
from pkid.ca.enrollment import Enrollment
from pkid.ca.keys import KeyType, PrivateKey
from pkid.ca.names import DEFAULT_TRUST_DOMAIN
from pkid.ca.trust import TrustError, UnfitAuthority, UnfitCertificate, check_authority, fingerprint
from pkid.exchange import (
    Request,
    Unreachable,
    UntrustedServer,
    exchange,
    unverified_context,
    verified_context,
)
from pkid.jwt import token_signer
from pkid.origin import Origin

__all__ = [
    "BadAnswer",
    "Busy",
    "Client",
    "CoreError",
    "ExpiredEndorsement",
    "FingerprintMismatch",
    "KeyType",
    "NoEndorsement",
    "Rejected",
    "TrustError",
    "UnfitAuthority",
    "UnfitCertificate",
    "Unreachable",
    "UntrustedServer",
    "WrongPreSharedKey",
    "bound_request",
    "get_ca_cert",
    "get_signed_cert",
    "get_signed_chain",
]

TIMEOUT = timedelta(seconds=10)
"""How long one exchange may take, unless told otherwise."""

_ATTEMPTS = 5
_FIRST_PAUSE = 0.5  # seconds; it doubles
_LONGEST_PAUSE = 30.0  # seconds that a core may ask us to wait


def get_ca_cert(uri: str, psk: str, timeout: timedelta = TIMEOUT) -> x509.Certificate:
    """Fetch the core's CA certificate, and return it if the pre-shared key vouches for it.

    :param uri: where the core is, as ``https://HOST:PORT``.
    :param timeout: for one attempt; there are at most five.
    :raises TrustError: when it is not to be trusted.
    :raises CoreError: when the core cannot be asked.
    """
    return Client(uri, psk, timeout).ca_cert()


def get_signed_cert(
    common_name: str,
    uri: str,
    psk: str,
    ca_cert: x509.Certificate,
    dns_names: Iterable[str] = (),
    ip_addresses: Iterable[object] = (),
    component: str | None = None,
    trust_domain: str = DEFAULT_TRUST_DOMAIN,
    key_type: KeyType = KeyType.P256,
    timeout: timedelta = TIMEOUT,
) -> tuple[PrivateKey, x509.Certificate]:
    """Make a private key in memory, and get a certificate for it from the core.

    Without other names, the common name becomes a DNS name.

    :param ca_cert: the CA certificate that :func:`get_ca_cert` returned; nothing else is trusted.
    :param component: the component's name, for an identity in *trust_domain*, which is the core's.
    :param timeout: for one attempt; there are at most ten.
    :raises Refused: when a name is not acceptable.
    :raises TrustError: when the server, or the certificate that it sent, is not to be trusted.
    :raises CoreError: when the core cannot be asked, or rejects the request.
    """
    key, (certificate, *_) = get_signed_chain(
        common_name, uri, psk, ca_cert, dns_names, ip_addresses, component, trust_domain, key_type, timeout
    )
    return key, certificate


def get_signed_chain(
    common_name: str,
    uri: str,
    psk: str,
    ca_cert: x509.Certificate,
    dns_names: Iterable[str] = (),
    ip_addresses: Iterable[object] = (),
    component: str | None = None,
    trust_domain: str = DEFAULT_TRUST_DOMAIN,
    key_type: KeyType = KeyType.P256,
    timeout: timedelta = TIMEOUT,
) -> tuple[PrivateKey, list[x509.Certificate]]:
    """Do the same as :func:`get_signed_cert`, and return the intermediates after the certificate.

    A server must show them all, unless the core's CA is a root and there are none.
    """
    client = Client(uri, psk, timeout)
    enrollment = Enrollment.of(key_type.generate(), common_name, dns_names, ip_addresses, component, trust_domain)
    return enrollment.key, client.signed_chain(enrollment, ca_cert)


def bound_request(request: Request, psk: str, now: float) -> Request:
    """Return the request with a token that is good for it alone, once.

    :param now: seconds since the epoch, with fractions.
    """
    binding = Binding(request.method, request.path, body_digest(request.body))
    token = bound_token(token_signer(psk), binding, os.urandom(16).hex(), now)
    return replace(request, headers=(*request.headers, ("Authorization", f"Bearer {token}")))


@dataclass(frozen=True, slots=True)
class Client:
    """A component's view of one core.

    :ivar uri: where the core is, as ``https://HOST:PORT``.
    :ivar timeout: for one exchange.
    :ivar attempts: how often at most something is asked, while the core cannot be reached or is busy.
    :ivar now: gives the wall-clock time in seconds since the epoch.
    :ivar sleep: waits for so many seconds.
    :ivar random: gives a number of at least 0 and below 1.
    """

    uri: str
    psk: str = field(repr=False)
    timeout: timedelta = TIMEOUT
    attempts: int = _ATTEMPTS
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        Origin.of(self.uri)
        if not self.psk:
            raise ValueError("the pre-shared key is empty, so it proves nothing; give the core's")

    def ca_cert(self) -> x509.Certificate:
        """Fetch the CA certificate over whatever connection, and return it if the pre-shared key vouches for it.

        :raises TrustError: when it is not to be trusted.
        :raises CoreError: when the core cannot be asked.
        """
        answer = succeeded(self._ask(lambda: Request("GET", Origin.of(self.uri).at("/ca/cert")), unverified_context()))
        (certificate, *_) = certificates(answer)
        der = certificate.public_bytes(Encoding.DER)
        check_endorsement(endorsements(answer), self.psk, fingerprint(der), self.now())
        check_authority(certificate, self._utc())
        return certificate

    def signed_chain(self, enrollment: Enrollment, ca_cert: x509.Certificate) -> list[x509.Certificate]:
        """Get the certificate that is wanted, and its intermediates, over a connection that only *ca_cert* vouches for.

        A token that was not accepted is replaced once, by one that is made by the core's clock: it accepts none from
        the future, or from before its own start.

        :raises TrustError: when the server, or the certificate that it sent, is not to be trusted.
        :raises CoreError: when the core cannot be asked, or rejects the request.
        """
        body, context = enrollment.request(), verified_context(ca_cert)
        answer = self._ask(lambda: self._bound(body), context)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            offset = clock_offset(answer, self.now())
            answer = self._ask(lambda: self._bound(body, offset), context)
        (certificate, *intermediates) = certificates(succeeded(answer))
        enrollment.check(certificate, ca_cert, self._utc(), intermediates)
        return [certificate, *intermediates]

    def _bound(self, body: bytes, offset: float = 0.0) -> Request:
        """Make a request with a token of its own, by a clock that is so many seconds ahead of ours."""
        return bound_request(Request("POST", Origin.of(self.uri).at("/ca/sign"), body), self.psk, self.now() + offset)

    def _ask(self, make_request: Callable[[], Request], context: ssl.SSLContext) -> Answer:
        """Ask until there is an answer other than 503, a few times, with growing pauses."""
        origin = Origin.of(self.uri)
        for attempt in range(self.attempts):
            pause = _FIRST_PAUSE * 2**attempt * (0.5 + self.random() / 2)
            error: CoreError
            try:
                answer = exchange(origin, make_request(), context, self.timeout)
            except Unreachable as unreachable:
                if not unreachable.transient:
                    raise
                error = unreachable
            else:
                if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                    return answer
                error = refusal = busy(answer)
                pause = max(pause, refusal.retry_after or 0)
            if attempt + 1 == self.attempts or pause > _LONGEST_PAUSE:
                break
            self.sleep(pause)
        raise error

    def _utc(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)
