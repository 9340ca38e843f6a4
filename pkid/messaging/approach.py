"""How a client came to a door: its address, its TLS connection, and what may prove its name there."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate
from OpenSSL.SSL import Connection
from twisted.internet.interfaces import ISSLTransport, ITransport

from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Channel
from pkid.messaging.interfaces import Approach

__all__ = ["approach_of", "is_encrypted", "peer_of"]

_EXPORTER_LABEL = b"EXPORTER-Channel-Binding"  # RFC 9266, section 2
_EXPORTER_SIZE = 32  # bytes
_BINDING_VERSION = "TLSv1.3"
_ENCRYPTED_ONLY = frozenset({Scheme.SCRAM_PLUS, Scheme.CERTIFICATE, Scheme.PASSWORD})


def is_encrypted(transport: ITransport) -> bool:
    """Tell whether a connection has TLS."""
    return bool(ISSLTransport.providedBy(transport))


def peer_of(transport: ITransport) -> str:
    """Return the address that a connection comes from, an IPv4 address in its own form; a Unix socket has none."""
    return str(getattr(transport.getPeer(), "host", "local")).removeprefix("::ffff:")


def approach_of(
    transport: ITransport, peer: str, door: str, schemes: tuple[Scheme, ...], *, unbound_allowed: bool = False
) -> Approach:
    """Tell how a client came, once the handshake of TLS is done.

    :param peer: the address that it comes from.
    :param door: the door's name.
    :param schemes: the kinds of proof that the door takes, the best first; only those that can be given on this
        connection are accepted.
    """
    encrypted = is_encrypted(transport)
    channel = Channel(encrypted, _exporter(transport) if encrypted else None, unbound_allowed)
    certificate = _certificate(transport) if encrypted else None
    accepted = _possible(
        schemes, encrypted, channel.exporter is not None, channel.takes_unbound, certificate is not None
    )
    return Approach(door, peer, channel, accepted, certificate)


@lru_cache(maxsize=64)
def _possible(
    schemes: tuple[Scheme, ...], encrypted: bool, bound: bool, takes_unbound: bool, certified: bool
) -> tuple[Scheme, ...]:
    """Return the schemes that can be given on a connection of this kind."""
    impossible = set() if encrypted else set(_ENCRYPTED_ONLY)
    given = {Scheme.SCRAM_PLUS: bound, Scheme.SCRAM: takes_unbound, Scheme.CERTIFICATE: certified}
    impossible.update(scheme for scheme, possible in given.items() if not possible)
    return tuple(scheme for scheme in schemes if scheme not in impossible)


def _exporter(transport: Any) -> bytes | None:
    """Return what binds proofs to a connection; TLS before 1.3 has nothing that is as good."""
    connection: Connection = transport.getHandle()
    if connection.get_protocol_version_name() != _BINDING_VERSION:
        return None
    return connection.export_keying_material(_EXPORTER_LABEL, _EXPORTER_SIZE)


def _certificate(transport: Any) -> bytes | None:
    """Return the certificate that the client showed, DER."""
    shown: X509 | None = transport.getPeerCertificate()
    return None if shown is None else dump_certificate(FILETYPE_ASN1, shown)
