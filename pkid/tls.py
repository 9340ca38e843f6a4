"""Live TLS: a context that can be replaced while the port stays open.

New handshakes see the new certificate; old connections live on with theirs.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from pkid.errors import Unusable
from pkid.state import KeyPair

__all__ = ["LiveContext", "NewestTLS", "server_context"]

_NEWEST = SSL.OP_NO_TLSv1 | SSL.OP_NO_TLSv1_1 | SSL.OP_NO_TLSv1_2 | SSL.OP_NO_TICKET
_SHALLOWEST = 2  # a leaf, an intermediate, a root: what a client may always send
_CHAIN_TOO_LONG = 22  # X509_V_ERR_CERT_CHAIN_TOO_LONG, which pyOpenSSL has no name for


@implementer(IOpenSSLServerConnectionCreator)
class LiveContext:
    """Makes server connections from the context that is current; :meth:`swap` gives the first one and each next."""

    _context: SSL.Context | None = None

    def swap(self, context: SSL.Context) -> None:
        """Use another context for all handshakes from now on."""
        self._context = context

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Make a connection from the current context."""
        assert self._context is not None, "no handshake before the first swap"
        return SSL.Connection(self._context, None)


@implementer(IOpenSSLServerConnectionCreator)
class NewestTLS:
    """Makes the connections that another creator makes, of TLS 1.3 and nothing older, and without tickets.

    Tickets are for clients that come often and stay for a moment; those of a broker stay, and would pay for them.
    """

    def __init__(self, creator: IOpenSSLServerConnectionCreator) -> None:
        self._creator = creator

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Make a connection."""
        connection: SSL.Connection = self._creator.serverConnectionForTLS(tlsProtocol)
        connection.set_options(_NEWEST)
        return connection


def server_context(pair: KeyPair, client_cas: Iterable[tuple[x509.Certificate, ...]]) -> SSL.Context:
    """Make a server's context for TLS 1.2 and 1.3, which resumes sessions.

    It shows the pair's certificate and what leads from it to the root, but not the root itself. It asks for a client
    certificate of one of *client_cas* and takes whatever the client shows, or nothing: TLS proves that the client has
    the key, and whether the certificate is good for something is decided at each request.

    A connection that ends without a word of TLS is over like any other, as a server should have it (RFC 9112, section
    9.8). So it is only for protocols that say where a message ends, as all doors' do: what came in part is never acted
    upon. To Twisted such an end would be a failure that holds the whole connection, until Python looks for garbage.

    :param client_cas: chains of issuers, each from the one that signs components' certificates up to its root.
    :raises Unusable: when OpenSSL does not take the pair.
    """
    chains = list(client_cas)
    shown = [each for each in pair.issuers if each.subject != each.issuer]
    options = CertificateOptions(
        privateKey=crypto.PKey.from_cryptography_key(pair.key),
        certificate=crypto.X509.from_cryptography(pair.certificate),
        extraCertChain=[crypto.X509.from_cryptography(each) for each in shown],
        raiseMinimumTo=TLSVersion.TLSv1_2,
        # Sessions are kept by the clients, in tickets: a cache here would keep every stranger's certificates.
        enableSessions=False,
        enableSessionTickets=True,
        acceptableProtocols=[b"http/1.1"],
    )
    try:
        context = options.getContext()
    except SSL.Error as error:
        reasons = ", ".join(reason for *_, reason in error.args[0]) if error.args else "no reason given"
        raise Unusable(f"holds a certificate that OpenSSL does not serve ({reasons})", "get another one") from None
    context.set_options(SSL.OP_IGNORE_UNEXPECTED_EOF)
    for client_ca in dict.fromkeys(each for chain in chains for each in chain):
        context.add_client_ca(crypto.X509.from_cryptography(client_ca))
    context.set_verify_depth(max([_SHALLOWEST, *map(len, chains)]))
    context.set_verify(SSL.VERIFY_PEER, _accept)
    return context


def _accept(connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, valid: int) -> bool:
    """Accept any client certificate, but not the work of a long chain, for which a stranger would make us pay."""
    return error != _CHAIN_TOO_LONG
