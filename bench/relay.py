"""A line door that does next to nothing, as the limit of what Twisted and TLS let a line door do.

It passes what is published on to all who subscribed, and calls to whoever exposed something, and looks at nothing else.
Writes its certificate to DIR/ca.crt and its port to DIR/port.

    .venv/bin/python bench/relay.py DIR
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.protocols.basic import LineOnlyReceiver

from pkid.ca.keys import KeyType

SUBSCRIBERS: set[LineOnlyReceiver] = set()
EXPOSERS: list[LineOnlyReceiver] = []
CALLERS: dict[bytes, tuple[LineOnlyReceiver, bytes]] = {}
NUMBERS = count(1)


class Relay(LineOnlyReceiver):
    """One connection."""

    delimiter = b"\n"

    def connectionMade(self) -> None:
        """Greet."""
        self.transport.setTcpNoDelay(True)
        self.transport.write(b"PKID 1 relay AAAA\n")

    def lineReceived(self, line: bytes) -> None:
        """Pass a line on."""
        if line.startswith(b"PUBLISH "):
            message = b"MESSAGE" + line[7:] + b"\n"
            for each in SUBSCRIBERS:
                each.transport.write(message)
        elif line.startswith(b"ANSWER "):
            caller, request = CALLERS.pop(line.split(b" ", 2)[1])
            caller.transport.write(request + b" OK " + line.split(b" ", 2)[2] + b"\n")
        elif line == b"BYE":
            self.transport.loseConnection()
        else:
            self.other(line)

    def other(self, line: bytes) -> None:
        """Pass a call on, or note that somebody subscribes or exposes."""
        request, verb, rest = line.split(b" ", 2)
        if verb == b"CALL":
            number = b"%d" % next(NUMBERS)
            CALLERS[number] = self, request
            EXPOSERS[0].transport.write(b"INVOKE " + number + b" " + rest + b"\n")
            return
        SUBSCRIBERS.add(self) if verb == b"SUBSCRIBE" else EXPOSERS.insert(0, self)
        self.transport.write(request + b" OK\n")

    def connectionLost(self, reason: object = None) -> None:
        """Forget it."""
        SUBSCRIBERS.discard(self)


def main() -> None:
    """Listen until the process is ended."""
    folder, key, now = Path(sys.argv[1]), KeyType.P256.generate(), datetime.now(UTC)
    name = x509.Name.from_rfc4514_string("CN=relay")
    until = now + timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), until)
    certificate = builder.sign(key, hashes.SHA256())
    (folder / "ca.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    options = CertificateOptions(
        privateKey=crypto.PKey.from_cryptography_key(key),
        certificate=crypto.X509.from_cryptography(certificate),
        raiseMinimumTo=TLSVersion.TLSv1_3,
    )
    endpoint = wrapServerTLS(options, TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
    endpoint.listen(Factory.forProtocol(Relay)).addCallback(
        lambda port: (folder / "port").write_text(str(port.getHost().port))
    )
    reactor.run()


if __name__ == "__main__":
    main()
