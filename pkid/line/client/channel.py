"""A connection as proofs are bound to it, seen from the component's end."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL

from pkid.auth.transcript import Channel

__all__ = ["channel_of"]

_LABEL = b"EXPORTER-Channel-Binding"  # RFC 9266, section 2
_SIZE = 32  # bytes
_BINDING_VERSION = "TLSv1.3"


def channel_of(transport: Any, unbound_allowed: bool) -> Channel:
    """Return what a transport binds proofs to, once its handshake is done; TLS before 1.3 has nothing as good."""
    handle = transport.getHandle() if hasattr(transport, "getHandle") else None
    if not isinstance(handle, SSL.Connection):
        return Channel(False)
    if handle.get_protocol_version_name() != _BINDING_VERSION:
        return Channel(True, None, unbound_allowed)
    return Channel(True, handle.export_keying_material(_LABEL, _SIZE), unbound_allowed)
