"""TLS as a component uses it: whom a connection trusts, and what it shows.

A context is made for each connection of a client, because trust and certificate may be others the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from cryptography import x509
from OpenSSL import SSL, crypto
from service_identity.hazmat import DNS_ID, IPAddress_ID, ServiceID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.agent.credential import Credential
from pkid.exchange import OtherName, UntrustedServer

__all__ = ["UnverifiedClient", "VerifyingClient", "options", "trust"]

_PROBLEMS = {
    7: "its certificate is from another CA",
    9: "its certificate is not valid yet, or the clock of this machine is wrong",
    10: "its certificate has expired, or the clock of this machine is wrong",
    18: "its certificate is signed by itself",
    19: "its certificate is from another CA",
    20: "its certificate is from another CA",
    21: "its certificate is from another CA",
    26: "its certificate is not for a server",
}
"""What OpenSSL's verification errors (X509_V_ERR_...) mean here."""


def options(credential: Credential | None, **more: Any) -> CertificateOptions:
    """Return options for TLS 1.2 and 1.3 that show a credential, if there is one."""
    if credential is not None:
        more |= {
            "privateKey": crypto.PKey.from_cryptography_key(credential.key),
            "certificate": crypto.X509.from_cryptography(credential.certificate),
            "extraCertChain": [crypto.X509.from_cryptography(each) for each in credential.intermediates],
        }
    return CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_2, enableSessions=False, **more)


def trust(context: SSL.Context, authorities: Iterable[x509.Certificate], now: datetime | None = None) -> None:
    """Let a context trust these CA certificates and no others; one may be an intermediate's.

    :param now: the time by which certificates are judged, if it is not the machine's.
    """
    store = context.get_cert_store()
    assert store is not None
    for authority in authorities:
        store.add_cert(crypto.X509.from_cryptography(authority))
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    if now is not None:
        store.set_time(now)


@implementer(IOpenSSLClientConnectionCreator)
class UnverifiedClient:
    """Makes connections to whoever answers: only for what is proved in another way."""

    def __init__(self, host: str) -> None:
        self._host = host

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Make a connection that verifies nothing."""
        connection = options(None).clientConnectionForTLS(tlsProtocol)
        _name_host(connection, self._host)
        return connection


@implementer(IOpenSSLClientConnectionCreator)
class VerifyingClient:
    """Makes connections to one host, which must have a certificate from one CA for its name.

    :param host: a host name or an address.
    :param now: the time by which certificates are judged.
    :param credential: what is shown to the host, if it asks.
    """

    def __init__(
        self, host: str, authority: x509.Certificate, now: datetime, credential: Credential | None = None
    ) -> None:
        self._host = host
        self._authority = authority
        self._now = now
        self._credential = credential

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Make a connection that is lost with :class:`UntrustedServer` when the host does not prove who it is."""
        creator = options(self._credential)
        trust(creator.getContext(), [self._authority], self._now)
        connection = creator.clientConnectionForTLS(tlsProtocol)
        _name_host(connection, self._host)
        connection.set_verify(SSL.VERIFY_PEER, self._verifier(tlsProtocol))
        return connection

    def _verifier(self, protocol: TLSMemoryBIOProtocol) -> Callable[..., bool]:
        """Return OpenSSL's callback: whatever goes wrong in it, the answer is no."""

        def verify(connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, valid: int) -> bool:
            problem = None if valid else self._untrusted(error)
            if problem is None and depth == 0 and not self._is_named_by(certificate):
                problem = OtherName(self._host)
            if problem is not None:
                protocol.failVerification(Failure(problem))
            return problem is None

        return verify

    def _is_named_by(self, certificate: crypto.X509) -> bool:
        try:
            verify_service_identity(extract_patterns(certificate), [_service(self._host)], [])
        except Exception:  # an odd certificate is no reason to believe it
            return False
        return True

    def _untrusted(self, error: int) -> UntrustedServer:
        problem = _PROBLEMS.get(error, f"its certificate does not verify, error {error}")
        return UntrustedServer(
            f"{self._host} is not to be trusted ({problem}); see that its certificate is from the CA that is trusted"
        )


def _service(host: str) -> ServiceID:
    return IPAddress_ID(host) if _is_address(host) else DNS_ID(host)


def _name_host(connection: SSL.Connection, host: str) -> None:
    """Tell the server which host is meant; addresses are not told (RFC 6066, section 3)."""
    if not _is_address(host):
        connection.set_tlsext_host_name(host.encode("idna"))


def _is_address(host: str) -> bool:
    return isIPAddress(host) or isIPv6Address(host)
