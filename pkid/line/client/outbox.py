"""Publications that are not acknowledged yet; they are sent again, under their ids, over the next connection.

By its id the core knows a publication that comes twice, as long as it comes from the same proven name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from pkid.broker.commands import Complete, Publish
from pkid.broker.message import QoS
from pkid.ca.trust import TrustError
from pkid.errors import Reason
from pkid.line.client.connection import Connection
from pkid.line.client.errors import Denied, Disconnected
from pkid.line.codec import write_command

__all__ = ["MOST_UNACKNOWLEDGED", "Outbox"]

MOST_UNACKNOWLEDGED = 1000
"""Publications that wait for an acknowledgement; the core remembers about as many."""


@dataclass(slots=True, eq=False)
class _Entry:
    """One publication, and who waits for its acknowledgement."""

    command: Publish
    confirmed: Deferred[None]


class Outbox:
    """The publications of a client that wait for their acknowledgement, in their order.

    :param mark: what its ids begin with; no other client of the same name, before or after, may have the same.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._numbered = 0
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def publish(self, command: Publish, connection: Connection | None) -> Deferred[None]:
        """Keep a publication until it is acknowledged, and send it if there is a connection; fire when it is.

        Fails with :class:`Denied` when the core refuses it, or when too many wait. To cancel means to wait no longer;
        it may have arrived.

        :raises Malformed: ``bad-line`` when the topic cannot be one; nothing is kept then.
        """
        if len(self._entries) >= MOST_UNACKNOWLEDGED:
            full = f"{MOST_UNACKNOWLEDGED} messages wait for their acknowledgement"
            return fail(Denied(Reason.LIMIT.code, Reason.LIMIT.sentence.format(subject=full)))
        self._numbered += 1
        request = f"{self._mark}{self._numbered}"
        command = replace(command, request=request)
        write_command(command)
        entry = _Entry(command, Deferred(lambda _: self._given_up(entry)))
        self._entries[request] = entry
        if connection is not None:
            self._send(entry, connection)
        return entry.confirmed

    def send_again(self, connection: Connection) -> None:
        """Send all that is not acknowledged yet."""
        for entry in list(self._entries.values()):
            self._send(entry, connection)

    def end(self) -> None:
        """Tell those who wait that nothing more is sent."""
        entries, self._entries = self._entries, {}
        for entry in entries.values():
            entry.confirmed.errback(Disconnected("the client was stopped before the message was acknowledged"))

    def _send(self, entry: _Entry, connection: Connection) -> None:
        connection.request(entry.command).addCallbacks(
            lambda _: self._acknowledged(entry, connection), lambda failure: self._failed(entry, failure)
        )

    def _acknowledged(self, entry: _Entry, connection: Connection) -> None:
        if entry.command.qos is QoS.EXACTLY_ONCE:
            connection.send(Complete(entry.command.request))
        if self._forget(entry):
            entry.confirmed.callback(None)

    def _failed(self, entry: _Entry, failure: Failure) -> None:
        """Keep what went with the connection, and tell of what the core refused."""
        if failure.check(Disconnected, TrustError) is None and self._forget(entry):
            entry.confirmed.errback(failure)

    def _given_up(self, entry: _Entry) -> None:
        self._forget(entry)

    def _forget(self, entry: _Entry) -> bool:
        """Forget an entry, and tell whether it was there."""
        return self._entries.pop(str(entry.command.request), None) is not None
