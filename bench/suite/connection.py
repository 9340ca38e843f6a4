"""A bare TLS connection, which blocks; of the same kind for every broker, so that none is driven by a better one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import cache

from OpenSSL import SSL

__all__ = ["Connection", "trusting_context"]

_PIECE = 1 << 16  # bytes that are read of the socket, and written to it, at once
_RECORD = 1 << 14  # bytes of plain text in a record, at most
_PATIENCE = 60.0  # seconds until it is connected


class Connection:
    """A connection, encrypted in memory: whoever reads takes many records off the socket at once.

    :param source: the address that it comes from, if that matters.
    :param before: what is to be done on the plain connection, before TLS.
    :ivar socket: what to wait for; nothing is left to be read without it after :meth:`read_some`.
    """

    def __init__(
        self,
        port: int,
        context: SSL.Context | None = None,
        *,
        host: str = "127.0.0.1",
        source: str = "",
        before: Callable[[socket.socket], object] = lambda plain: None,
    ) -> None:
        self.socket = socket.create_connection((host, port), _PATIENCE, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        before(self.socket)
        self.socket.settimeout(None)
        self._tls = SSL.Connection(context or trusting_context(), None)
        self._tls.set_connect_state()
        self._shake_hands()
        self._fed = True

    def send(self, data: bytes) -> None:
        """Send it all."""
        self._tls.sendall(data)
        self._flush()

    def read_some(self) -> bytes:
        """Return what came, at least a byte.

        :raises EOFError: when the other end closed.
        """
        pieces: list[bytes] = []
        while not pieces:
            if not self._fed:
                self._feed()
            try:
                while True:
                    pieces.append(self._tls.recv(_RECORD))
            except SSL.WantReadError:
                self._fed = False
            except SSL.ZeroReturnError:  # the other end said goodbye, and waits for ours before it closes
                if not pieces:
                    raise EOFError("the connection was closed") from None
        return b"".join(pieces)

    def read_until(self, is_complete: Callable[[bytes], bool]) -> bytes:
        """Return what came when it is complete."""
        data = b""
        while not is_complete(data):
            data += self.read_some()
        return data

    def channel_binding(self) -> bytes:
        """Return the binding ``tls-exporter`` (RFC 9266)."""
        return self._tls.export_keying_material(b"EXPORTER-Channel-Binding", 32)

    def close(self) -> None:
        """Close it."""
        self.socket.close()

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                self._flush()
                self._feed()
            else:
                return self._flush()

    def _feed(self) -> None:
        data = self.socket.recv(_PIECE)
        if not data:
            raise EOFError("the connection was closed")
        self._tls.bio_write(data)
        self._fed = True

    def _flush(self) -> None:
        """Send what was encrypted."""
        whole = False
        while not whole:
            try:
                data = self._tls.bio_read(_PIECE)
            except SSL.WantReadError:
                return
            self.socket.sendall(data)
            whole = len(data) < _PIECE


@cache
def trusting_context() -> SSL.Context:
    """Make what connections share that trust whoever answers, because all of this is on one machine."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(b"TLS_AES_256_GCM_SHA384")
    context.set_verify(SSL.VERIFY_NONE)
    return context
