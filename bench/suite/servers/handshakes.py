"""The limit of logins: TLS handshakes by Twisted, and nothing else; it greets, and leaves who says something.

python bench/suite/servers/handshakes.py PORT CERTIFICATE [AUTHORITY]

With an authority each client must show a certificate of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    TLSVersion,
    trustRootFromCertificates,
)


class Greeter(Protocol):
    """Says a line, so that the client knows that the handshake is done at both ends."""

    noisy = False

    def connectionMade(self) -> None:
        """Greet."""
        self.transport.write(b"PKID 1 limit AAAA\n")

    def dataReceived(self, data: bytes) -> None:
        """Leave."""
        self.transport.loseConnection()


def main() -> None:
    """Serve until killed."""
    port, certificate, *authority = sys.argv[1:]
    own = PrivateCertificate.loadPEM(Path(certificate).read_bytes())
    trusted = [Certificate.loadPEM(Path(each).read_bytes()) for each in authority]
    context = CertificateOptions(
        own.privateKey.original,
        own.original,
        trustRoot=trustRootFromCertificates(trusted) if trusted else None,
        raiseMinimumTo=TLSVersion.TLSv1_3,
    )
    reactor.listenSSL(int(port), Factory.forProtocol(Greeter), context, interface="127.0.0.1", backlog=1024)
    reactor.run()


if __name__ == "__main__":
    main()
