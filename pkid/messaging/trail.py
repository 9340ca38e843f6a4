"""What the broker's decisions look like in the audit trail."""

from __future__ import annotations

from pkid.audit import Action, Strangers, allowed
from pkid.broker.effects import Audit, Event
from pkid.errors import PkidError
from pkid.messaging.connection import Connection
from pkid.messaging.connections import Connections
from pkid.messaging.engine import Handlers

__all__ = ["Trail"]

_FORBIDDEN = "forbidden"
_UNPROVEN = "unproven"


class Trail:
    """Writes a line for each decision: for all that was allowed to somebody known, a few a minute of what was denied.

    :param strangers: leaves out what would fill the log.
    """

    def __init__(self, connections: Connections, strangers: Strangers) -> None:
        self._connections = connections
        self._strangers = strangers

    @property
    def handlers(self) -> Handlers:
        """What carries out the effects that tell of a decision."""
        return {Audit: self._audit}

    def registered(self, connection: Connection, component: str, error: PkidError | None = None) -> None:
        """Write down that a key was registered, or was not."""
        self._write(Action.REGISTER, connection, component, error)

    def unregistered(self, connection: Connection, component: str, error: PkidError | None = None) -> None:
        """Write down that a component's keys were forgotten, or were not."""
        self._write(Action.UNREGISTER, connection, component, error)

    def _write(self, action: Action, connection: Connection, component: str, error: PkidError | None) -> None:
        credential, peer = connection.credential or "-", connection.approach.peer
        if error is None:
            allowed(action, credential, peer, name=component)
        else:
            self._strangers.denied(peer, error.reason.code, action, credential, name=component)

    def _audit(self, effect: Audit) -> None:
        connection = self._connections.find(effect.session)
        if connection is None:
            return
        match effect.event, effect.allowed:
            case Event.OPENED, True:
                self._open(connection, effect)
            case Event.OPENED, False:
                self._deny(connection, Action.CONNECT, effect.detail, name=effect.identity.component)
            case Event.CHANGE, _:
                self._allow(connection, Action.RIGHTS, change=effect.detail)
            case _:
                self._deny(connection, Action.BROKER, _FORBIDDEN, name=effect.identity, asked=effect.detail)

    def _open(self, connection: Connection, effect: Audit) -> None:
        """Write of those who proved their names, and of those who took a name that is worth something."""
        connection.identity = effect.identity
        if effect.identity.authenticated:
            self._connections.prove(connection)
            self._allow(connection, Action.CONNECT, door=connection.approach.door, session=effect.session)
        elif effect.detail:
            self._deny(connection, Action.CONNECT, _UNPROVEN, name=effect.identity.component)

    def _allow(self, connection: Connection, action: Action, **facts: object) -> None:
        name = connection.identity.component
        allowed(action, connection.credential or "-", connection.approach.peer, name=name, **facts)

    def _deny(self, connection: Connection, action: Action, reason: str, **facts: object) -> None:
        peer = connection.approach.peer
        self._strangers.denied(peer, reason, action, connection.credential or "-", **facts)
