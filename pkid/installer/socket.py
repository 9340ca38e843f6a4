"""A UNIX socket that tells whoever may connect how it is with each certificate: lines of JSON, and the end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.policies import TimeoutMixin

from pkid.errors import StateError
from pkid.files import PRIVATE
from pkid.installer.status import Status

__all__ = ["StatusSocket"]

_PATIENCE = 10  # seconds that a reader may take


class StatusSocket(Service):
    """Listens at a path, for the agent's own user and root.

    :param read: gives what to tell.
    """

    def __init__(self, path: Path, read: Callable[[], Iterable[Status]], reactor: Any) -> None:
        self.setName("status")
        self.path = path
        self._reactor = reactor
        self._factory = _Factory(read)
        self._port: IListeningPort | None = None

    def open(self) -> None:
        """Begin to listen, in the place of an agent that did not end well.

        :raises StateError: when that does not work.
        """
        try:
            self._remove_left_over()
            mask = os.umask(0o177)  # it must not be for others even for a moment
            try:
                self._port = self._reactor.listenUNIX(str(self.path), self._factory, mode=PRIVATE)
            finally:
                os.umask(mask)
        except (CannotListenError, OSError) as error:
            reason = error.socketError if isinstance(error, CannotListenError) else error.strerror
            remedy = "stop what listens there, or choose another --socket, with a short path"
            raise StateError(self.path, f"cannot be listened at ({reason})", remedy) from None

    def stopService(self) -> Deferred[None]:
        """Stop to listen."""
        super().stopService()
        port, self._port = self._port, None
        return succeed(None) if port is None else maybeDeferred(port.stopListening)  # type: ignore[call-overload]

    def _remove_left_over(self) -> None:
        if not self.path.is_socket():
            return
        with socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)
            try:
                probe.connect(str(self.path))
            except ConnectionRefusedError:
                self.path.unlink()
            except BlockingIOError:
                pass  # somebody listens


class _Factory(Factory[Protocol]):
    noisy = False

    def __init__(self, read: Callable[[], Iterable[Status]]) -> None:
        self.read = read

    def buildProtocol(self, addr: object) -> Protocol:
        protocol = _Telling()
        protocol.factory = self
        return protocol


class _Telling(Protocol, TimeoutMixin):
    """Tells everything, and ends; what comes in is not read."""

    factory: _Factory

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.setTimeout(_PATIENCE)
        self.transport.write(b"".join(status.line() for status in self.factory.read()))
        self.transport.loseConnection()

    def timeoutConnection(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: object = None) -> None:
        self.setTimeout(None)
