"""The limit of the load: answers whatever comes, over TLS, with the same bytes; it reads no HTTP.

python bench/suite/servers/echo.py PORT CERTIFICATE
"""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, PrivateCertificate

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000


class Echo(Protocol):
    """Takes each piece for one request."""

    noisy = False

    def dataReceived(self, data: bytes) -> None:
        """Answer."""
        self.transport.write(ANSWER)


def main() -> None:
    """Serve until killed."""
    port, certificate = sys.argv[1:]
    own = PrivateCertificate.loadPEM(Path(certificate).read_bytes())
    context = CertificateOptions(own.privateKey.original, own.original)
    reactor.listenSSL(int(port), Factory.forProtocol(Echo), context, interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main()
