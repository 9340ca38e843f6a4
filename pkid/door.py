"""A door: a port that is open from the service's start to its stop, or the daemon does not start at all."""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IOpenSSLServerConnectionCreator,
    IReactorCore,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface.declarations import Provides

from pkid.eager import IServerTransport, send_at_once
from pkid.errors import StateError
from pkid.tls_server import BufferingServerTLS, ServerTLS
from pkid.vestibule import Vestibule

__all__ = ["Door", "DoorReactor", "LateFactory"]

_BACKLOG = 4096
"""Connections that the system takes before the reactor does; one too many of them would wait for half a minute."""
_EVERY = {"::": "every address", "0.0.0.0": "every IPv4 address"}
_REMEDIES = {
    errno.EADDRINUSE: "stop what listens there",
    errno.EACCES: "ports below 1024 need the right to them, which pkid.socket of systemd gives",
    errno.EADDRNOTAVAIL: "name an address of this machine",
}
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class DoorReactor(IReactorCore, IReactorTime):
    """What a door needs of a reactor, besides what its endpoint needs."""


class LateFactory(Factory[Protocol]):
    """Stands for a factory that is made after the port is bound, and before its first connection.

    :ivar behind: that factory; without one, connections are closed.
    """

    noisy = False

    def __init__(self) -> None:
        self.behind: Factory[Any] | None = None

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Have the factory behind make a protocol."""
        return None if self.behind is None else self.behind.buildProtocol(addr)


class Door(Service):
    """Listens at an endpoint with a factory, behind TLS or not.

    ``tcp:PORT`` without an interface means all addresses: IPv6 and IPv4 on one socket, or IPv4 alone where the host
    has no IPv6.

    :param endpoint: an endpoint string of Twisted.
    :param tls: makes the TLS connections; ``None`` for plain text.
    :param flag: chooses the endpoint, if it is not called as the door is.
    :param gathers: whether the factory's connections write once in a turn at most, so that they may send at once; for
        others TLS gathers what they write, and without TLS the reactor does.
    """

    _log = Logger()
    _port: IListeningPort | None = None

    def __init__(
        self,
        name: str,
        endpoint: str,
        factory: Factory[Any],
        tls: IOpenSSLServerConnectionCreator | None,
        reactor: DoorReactor,
        flag: str = "",
        *,
        gathers: bool = False,
    ) -> None:
        self.setName(name)
        self._gathers = gathers
        self._flag = flag or f"--{name}"
        self._endpoint = endpoint
        self._factory = factory
        self._tls = tls
        self._reactor = reactor

    def open(self) -> None:
        """Bind the port, if that is not done; nothing is accepted before the reactor runs.

        :raises StateError: when it cannot be bound.
        """
        if self._port is not None:
            return
        problem: object = None
        for endpoint in self._candidates():
            try:
                self._port = self._listen(endpoint)
            except CannotListenError as error:
                problem = error.socketError
                if getattr(error.socketError, "errno", None) not in _NO_IPV6:
                    break
            except OSError as error:  # of the lock beside a Unix socket
                problem = error
                break
            else:
                self._log.info("the {door} door listens on {place}", door=self.name, place=self._place())
                return
        reason = getattr(problem, "strerror", None) or problem
        instead = f"choose another endpoint with {self._flag}"
        remedy = _REMEDIES.get(getattr(problem, "errno", 0))
        raise StateError(
            f"the {self.name} door",
            f"cannot listen on {self._endpoint} ({reason})",
            f"{remedy}, or {instead}" if remedy else instead,
        )

    @property
    def address(self) -> str:
        """Where the open door listens: ``HOST PORT``, or the path of a Unix socket."""
        assert self._port is not None
        host = self._port.getHost()
        if isinstance(host, IPv4Address | IPv6Address):
            return f"{host.host} {host.port}"
        assert isinstance(host, UNIXAddress)
        return os.fsdecode(host.name or b"")

    def privilegedStartService(self) -> None:
        """Bind the port while there may be privileges to do so."""
        super().privilegedStartService()
        self.open()

    def startService(self) -> None:
        """Bind the port, if that is not done."""
        super().startService()
        self.open()

    def stopService(self) -> Deferred[None]:
        """Accept no more connections."""
        super().stopService()
        port, self._port = self._port, None
        if port is None:
            return succeed(None)
        closed: Deferred[None] = maybeDeferred(port.stopListening)  # type: ignore[call-overload]
        return closed.addCallback(lambda _: self._log.info("the {door} door is closed", door=self.name))

    def _place(self) -> str:
        """Say where the open door listens, for people."""
        secrecy = "with TLS" if self._tls is not None else "without TLS"
        host, _, port = self.address.rpartition(" ")
        if not host:
            return f"{port}, {secrecy}"
        return f"port {port} of {_EVERY.get(host, host)}, {secrecy}"

    def _candidates(self) -> list[str]:
        endpoint = self._endpoint
        if endpoint.startswith("tcp:") and ":backlog=" not in endpoint:
            endpoint += f":backlog={_BACKLOG}"
        if endpoint.startswith("tcp:") and ":interface=" not in endpoint:
            return [endpoint + r":interface=\:\:", endpoint]
        return [endpoint]

    def _listen(self, endpoint: str) -> IListeningPort:
        """Listen now: every server endpoint of Twisted's binds at once, so its Deferred has fired already."""
        listener, factory = serverFromString(self._reactor, endpoint), self._factory
        if self._tls is not None:
            factory = Vestibule(self._behind_tls(self._tls), self._reactor)
        results: list[IListeningPort | Failure] = []
        listener.listen(factory).addBoth(results.append)
        if isinstance(results[0], Failure):
            results[0].raiseException()
        if self._gathers or self._tls is not None:
            send_at_once(results[0])
        return results[0]

    def _behind_tls(self, tls: IOpenSSLServerConnectionCreator) -> Factory[Any]:
        factory = TLSMemoryBIOFactory(tls, False, self._factory, self._reactor)
        factory.protocol = ServerTLS if self._gathers else BufferingServerTLS
        # TLS declares of each connection what its transport provides; while this is kept, it is made once.
        self._declaration = Provides(factory.protocol, IServerTransport)
        return factory
