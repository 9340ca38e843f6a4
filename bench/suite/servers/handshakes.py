"""The limit of logins: TLS handshakes by Twisted, and nothing else; it greets, and leaves who says ``BYE``.

python bench/suite/servers/handshakes.py PORT CERTIFICATE [AUTHORITY]

With an authority each client must show a certificate of it. Who says something else first gets what any login needs,
whoever does it: a signature is verified, and two lines are answered.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    TLSVersion,
    trustRootFromCertificates,
)

MESSAGE = bytes(300)
"""What is signed: about as long as a transcript."""
ALGORITHM = ec.ECDSA(hashes.SHA256())
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY, SIGNATURE = KEY.public_key(), KEY.sign(MESSAGE, ALGORITHM)


class Greeter(Protocol):
    """Says a line, so that the client knows that the handshake is done at both ends."""

    noisy = False
    answers = False

    def connectionMade(self) -> None:
        """Greet."""
        self.transport.write(b"PKID 1 limit AAAA\n")

    def dataReceived(self, data: bytes) -> None:
        """Answer, or leave."""
        if data != b"BYE\n":
            self.answers = True
            PUBLIC_KEY.verify(SIGNATURE, MESSAGE, ALGORITHM)
            self.transport.write(b"WELCOME somebody +proven\n")
            return
        if self.answers:
            self.transport.write(b"CLOSED left\n")
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
