"""The limit of a line door in Twisted over TLS: takes apart by hand what came at once, and writes once for all of it.

It passes on what is published and called, and looks at nothing else: no names, no rights, no limits.

python bench/suite/servers/relay.py PORT CERTIFICATE
"""

from __future__ import annotations

import sys
from collections import defaultdict
from itertools import count
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, PrivateCertificate, TLSVersion

SUBSCRIBERS: defaultdict[bytes, list[Relay]] = defaultdict(list)
EXPOSERS: dict[bytes, Relay] = {}
CALLERS: dict[bytes, tuple[Relay, bytes]] = {}
NUMBERS = count(1)


class Relay(Protocol):
    """One connection."""

    def connectionMade(self) -> None:
        """Greet."""
        self.rest = b""
        self.transport.setTcpNoDelay(True)
        self.transport.write(b"PKID 1 relay AAAA\n")

    def dataReceived(self, data: bytes) -> None:
        """Pass on what came whole."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        messages: defaultdict[bytes, list[bytes]] = defaultdict(list)
        writes: defaultdict[Relay, list[bytes]] = defaultdict(list)
        for line in lines:
            verb, rest = line.split(b" ", 1)
            if verb == b"PUBLISH":
                messages[rest.split(b" ", 1)[0]].append(b"MESSAGE " + rest)
            elif verb == b"ANSWER":
                number, answer = rest.split(b" ", 1)
                caller, request = CALLERS.pop(number)
                writes[caller].append(request + b" OK " + answer + b"\n")
            else:
                self.obey(verb, *rest.split(b" ", 1), writes=writes)
        for topic, found in messages.items():
            block = b"\n".join([*found, b""])
            for each in SUBSCRIBERS[topic]:
                each.transport.write(block)
        for each, answers in writes.items():
            each.transport.write(b"".join(answers))

    def obey(self, request: bytes, verb: bytes, rest: bytes, writes: dict[Relay, list[bytes]]) -> None:
        """Pass a call on, or note that somebody subscribes or exposes."""
        if verb == b"CALL":
            number = b"%d" % next(NUMBERS)
            CALLERS[number] = self, request
            writes[EXPOSERS[rest.split(b" ", 1)[0]]].append(b"INVOKE %b %b\n" % (number, rest))
        elif verb == b"SUBSCRIBE":
            SUBSCRIBERS[rest].append(self)
        else:
            EXPOSERS[rest] = self
        if verb != b"CALL":
            writes[self].append(request + b" OK\n")

    def connectionLost(self, reason: object = None) -> None:
        """Forget it."""
        for subscribers in SUBSCRIBERS.values():
            if self in subscribers:
                subscribers.remove(self)


def main() -> None:
    """Serve until killed."""
    port, certificate = sys.argv[1:]
    own = PrivateCertificate.loadPEM(Path(certificate).read_bytes())
    context = CertificateOptions(own.privateKey.original, own.original, raiseMinimumTo=TLSVersion.TLSv1_3)
    reactor.listenSSL(int(port), Factory.forProtocol(Relay), context, interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main()
