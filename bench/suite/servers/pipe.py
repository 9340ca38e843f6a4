"""The limit of the load of messages: what one connection says goes over TLS to those that subscribed, and is not read.

python bench/suite/servers/pipe.py PORT CERTIFICATE
"""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, PrivateCertificate, TLSVersion

ENDS: list[Pipe] = []


class Pipe(Protocol):
    """One connection, an end if the first that it says is that it subscribes."""

    noisy = False
    is_end: bool | None = None

    def connectionMade(self) -> None:
        """Greet."""
        self.transport.setTcpNoDelay(True)
        self.transport.write(b"PKID 1 pipe AAAA\n")

    def dataReceived(self, data: bytes) -> None:
        """Pass on what came."""
        if self.is_end is None:
            self.is_end = data.startswith(b"#1 SUBSCRIBE ")
            if self.is_end:
                ENDS.append(self)
                self.transport.write(b"#1 OK\n")
                return
        for end in ENDS:
            end.transport.write(data)

    def connectionLost(self, reason: object = None) -> None:
        """Forget it."""
        if self.is_end:
            ENDS.remove(self)


def main() -> None:
    """Serve until killed."""
    port, certificate = sys.argv[1:]
    own = PrivateCertificate.loadPEM(Path(certificate).read_bytes())
    context = CertificateOptions(own.privateKey.original, own.original, raiseMinimumTo=TLSVersion.TLSv1_3)
    reactor.listenSSL(int(port), Factory.forProtocol(Pipe), context, interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main()
