"""Somebody between a component and the core, who ends both connections' TLS and passes on what comes.

The component takes the relay for the core: it shows a certificate for the name, from the CA that is trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

__all__ = ["Relay"]

Change = Callable[[bytes], bytes]


class Relay(Factory[Protocol]):
    """Passes on what comes, changed or not.

    :param onward: leads to the core.
    :param to_component: changes what goes to the component; *to_core* the other way.
    :ivar heard: what the components said.
    """

    noisy = False

    def __init__(self, onward: IStreamClientEndpoint, to_component: Change = bytes, to_core: Change = bytes) -> None:
        self.onward = onward
        self.to_component = to_component
        self.to_core = to_core
        self.heard: list[bytes] = []

    def buildProtocol(self, address: Any) -> Protocol:
        """Take a component's connection."""
        return _Near(self)


class _Near(Protocol):
    """The component's connection."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._far: Deferred[Any] = Deferred()

    def connectionMade(self) -> None:
        def made(far: Any) -> None:
            self._far.callback(far)

        self._relay.onward.connect(Factory.forProtocol(lambda: _Far(self, self._relay))).addCallbacks(made, self._end)

    def dataReceived(self, data: bytes) -> None:
        self._relay.heard.append(data)
        self._far.addCallback(self._pass_on, self._relay.to_core(data))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._far.addCallback(self._close)

    @staticmethod
    def _pass_on(far: Any, data: bytes) -> Any:
        far.transport.write(data)
        return far

    @staticmethod
    def _close(far: Any) -> Any:
        far.transport.loseConnection()
        return far

    def _end(self, failure: Failure) -> None:
        assert self.transport is not None
        self.transport.loseConnection()


class _Far(Protocol):
    """The connection to the core."""

    def __init__(self, near: _Near, relay: Relay) -> None:
        self._near: Any = near
        self._relay = relay

    def dataReceived(self, data: bytes) -> None:
        self._near.transport.write(self._relay.to_component(data))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._near.transport.loseConnection()
