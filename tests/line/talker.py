"""A bare connection to a line door, for tests that say things line by line."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import DeferredQueue
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from pkid.auth.transcript import Channel
from tests.line.doors import reactor

__all__ = ["Talker", "dial"]


class Talker(LineOnlyReceiver):
    """One connection; it ends with an empty line."""

    delimiter = b"\n"

    def __init__(self) -> None:
        self._lines: DeferredQueue[bytes] = DeferredQueue()

    def lineReceived(self, line: bytes) -> None:
        self._lines.put(line)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lines.put(b"")

    async def read(self) -> str:
        """Return the next line that comes, or nothing at the end of the connection."""
        return (await self._lines.get()).decode()

    def say(self, line: bytes) -> None:
        """Send whatever this is."""
        transport: Any = self.transport
        transport.write(line)

    def close(self) -> None:
        """End the connection."""
        transport: Any = self.transport
        transport.abortConnection()

    @property
    def channel(self) -> Channel:
        """The connection as proofs are bound to it."""
        transport: Any = self.transport
        handle: SSL.Connection = transport.getHandle()
        return Channel(True, handle.export_keying_material(b"EXPORTER-Channel-Binding", 32))


async def dial(port: int) -> Talker:
    """Connect to a port of this machine with TLS, whoever is there."""
    endpoint = wrapClientTLS(CertificateOptions(), HostnameEndpoint(reactor, "127.0.0.1", port))
    talker: Any = await endpoint.connect(Factory.forProtocol(Talker))
    assert isinstance(talker, Talker)
    return talker
