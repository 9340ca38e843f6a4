"""A blocking client of the line door, for tests with a real daemon: a socket, and the protocol's own codec."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from time import monotonic
from typing import Self, TypeVar

from twisted.trial.unittest import SynchronousTestCase

from pkid.broker.commands import Command
from pkid.line.codec import Bye, EventReader, Ping, Pong, Talk, write_command
from pkid.line.events import Event, Greeted
from tests.daemon import Daemon

__all__ = ["LinePeer"]

T = TypeVar("T", bound=Event)

_PATIENCE = 30.0  # seconds


class LinePeer:
    """One connection over TLS, greeted."""

    def __init__(
        self,
        daemon: Daemon,
        newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
        pair: Path | None = None,
    ) -> None:
        """Connect.

        :param pair: a file with a key and a certificate to show.
        """
        context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
        context.maximum_version = newest
        if pair is not None:
            context.load_cert_chain(pair)
        plain = socket.create_connection(daemon.address("line"), timeout=_PATIENCE)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self._reader = EventReader()
        self.greeting = self.next(Greeted)

    @classmethod
    def of(cls, test: SynchronousTestCase, daemon: Daemon) -> Self:
        """Connect, until the end of a test."""
        peer = cls(daemon)
        test.addCleanup(peer.socket.close)
        return peer

    def send(self, *commands: Command | Talk) -> None:
        """Say something, all at once."""
        self.socket.sendall(b"".join(map(write_command, commands)))

    def ask(self, command: Command) -> Event:
        """Say something, and return the next thing that comes."""
        self.send(command)
        return self.read()

    def read(self) -> Event:
        """Return the next thing that the core says, but for its pings.

        :raises EOFError: when it closed the connection.
        """
        while True:
            said = self._reader.read()
            if isinstance(said, Ping):
                self.send(Pong(said.request))
            elif said is not None:
                return said
            else:
                data = self.socket.recv(1 << 16)
                if not data:
                    raise EOFError("the core closed the connection")
                self._reader.feed(data)

    def next(self, kind: type[T]) -> T:
        """Return the next thing of a kind, and pass over the others."""
        limit = monotonic() + _PATIENCE
        while monotonic() < limit:
            said = self.read()
            if isinstance(said, kind):
                return said
        raise AssertionError("it did not come in time")

    def leave(self) -> None:
        """Say goodbye, and close."""
        self.send(Bye())
        self.socket.close()
