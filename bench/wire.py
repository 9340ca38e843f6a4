"""A bare connection to a line door, for generators of load: no more than TLS, lines, and a login."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from OpenSSL import SSL, crypto

from bench.suite.connection import Connection
from pkid.auth.component_login import Invitation, begin_attempt
from pkid.auth.own_credential import OwnCredential
from pkid.auth.proofs import Proof
from pkid.auth.transcript import NONCE_SIZE, Channel
from pkid.broker.commands import Prove
from pkid.line.codec import write_command
from pkid.line.writing import decode_base64url

__all__ = ["Address", "Wire"]


@dataclass(frozen=True)
class Address:
    """Where a line door is, and the file with the CA certificate that its own comes from; none for one not checked."""

    host: str
    port: int
    ca: str | None


class Wire(Connection):
    """One connection, which blocks.

    :param shown: the key and the certificate that its end shows, if it is asked for one.
    :param source: the address that it comes from, if that matters.
    :ivar greeting: the words of the core's first line.
    """

    def __init__(
        self, address: Address, shown: tuple[crypto.PKey, crypto.X509] | None = None, source: str = ""
    ) -> None:
        super().__init__(address.port, _context(address.ca, shown), host=address.host, source=source)
        self._rest = b""
        self.greeting = self.read_line().split()

    def log_in(self, name: str, own: OwnCredential) -> None:
        """Prove a name."""
        _, _, server, nonce, *offers = self.greeting
        channel = Channel(True, self.channel_binding())
        invitation = Invitation(server, decode_base64url(nonce), tuple(offers), channel)
        attempt = begin_attempt(invitation, name, own, os.urandom(NONCE_SIZE))
        answer = self._prove(name, attempt.start())
        if answer[0] == "CONTINUE":
            answer = self._prove(name, attempt.go_on(answer[1].encode()))
        if answer[0] != "WELCOME":
            raise SystemExit(f"{name} was not let in: {' '.join(answer)}")

    def ask(self, line: str) -> None:
        """Have something done, and wait until it is."""
        self.send(f"#1 {line}\n".encode())
        answer = self.read_line()
        if not answer.startswith("#1 OK"):
            raise SystemExit(f"{line}: {answer}")

    def read_line(self) -> str:
        """Return the next line."""
        while b"\n" not in self._rest:
            self._rest += super().read_some()
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def read_some(self) -> bytes:
        """Return what came, at least a byte; not after a line was read in part."""
        rest, self._rest = self._rest, b""
        return rest or super().read_some()

    def leave(self) -> None:
        """Say goodbye, and wait until the other end closes: the next one under the same name is let in then."""
        self.send(b"BYE\n")
        with suppress(EOFError, ConnectionError):
            while self.read_some():
                pass
        self.close()

    def _prove(self, name: str, proof: Proof) -> list[str]:
        self.send(write_command(Prove(None, name, proof)))
        return self.read_line().split(" ")


@cache
def _context(ca: str | None, shown: tuple[crypto.PKey, crypto.X509] | None) -> SSL.Context:
    """Make what connections share; no session of TLS is resumed."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if shown is not None:
        context.use_privatekey(shown[0])
        context.use_certificate(shown[1])
    if ca is not None:
        context.load_verify_locations(ca)
        context.set_verify(SSL.VERIFY_PEER, lambda *found: bool(found[-1]))
    return context
