"""What is written to one connection: gathered for a turn, and held back when the client does not read."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IPushProducer, ITransport
from zope.interface import implementer

__all__ = ["Outgoing"]

_MOST_GATHERED = 1 << 16  # bytes; more is not kept for the end of the turn
_MOST_HELD_BACK = 1 << 17  # bytes; what two turns of a publisher in haste bring
_ROOM = 1 << 15  # bytes of payload that may come at once when the client has read what it was sent


def _tell_nobody(*_: object) -> None:
    """Stand for those who are gone."""


@implementer(IPushProducer)
class Outgoing:
    """Writes to a transport, at most once in a turn unless there is much.

    A transport of Twisted's wants no more as soon as one turn brought more than 64 KiB, however fast its client reads.
    So what comes then is gathered, up to a limit, until everything was written.

    :param soon: calls :meth:`flush` at the end of the turn.
    :param paused: is told when nothing more is to come.
    :param ready: is told when about so many bytes more may come.
    :ivar is_full: whether nothing more is to come.
    :ivar gathers: whether what is written waits for :meth:`release`, which comes before the turn ends.
    :ivar pieces: what was gathered.
    """

    __slots__ = (
        "_blocked", "_catching_up", "_due", "_ready", "_size", "_soon", "_transport", "gathers", "is_full", "paused",
        "pieces",
    )  # fmt: skip

    def __init__(
        self,
        transport: ITransport,
        soon: Callable[[Outgoing], None],
        paused: Callable[[], None],
        ready: Callable[[int], None],
    ) -> None:
        self.is_full = self.gathers = False
        self.paused = paused
        self._transport = transport
        self._soon = soon
        self._ready = ready
        self.pieces: list[bytes] = []
        self._size = 0
        self._due = False
        self._blocked = False
        self._catching_up = False

    def release(self) -> None:
        """Write what was gathered, unless the client does not read."""
        self.gathers = False
        if self.pieces and not self._blocked:
            self.flush()

    def write(self, data: bytes) -> None:
        """Write, by the end of the turn."""
        self.pieces.append(data)
        self._size += len(data)
        if self._blocked:
            if self._size > _MOST_HELD_BACK and not self.is_full:
                self.is_full = True
                self.paused()
        elif not (self.gathers or self._due):
            self._due = True
            self._soon(self)
        elif self._size > _MOST_GATHERED:
            self._write_all()

    def flush(self) -> None:
        """Write what was gathered; while a client catches up, ask for more as long as there is more."""
        self._due = False
        if self.pieces:
            data = b"".join(self.pieces)
            self.pieces.clear()
            self._size = 0
            self._transport.write(data)
            if self._catching_up and not self._blocked:
                self._take_more()
        elif not self._blocked:
            self._catching_up = False

    def pauseProducing(self) -> None:
        """Take note that the transport holds more than it should; Twisted calls this."""
        self._blocked = True

    def resumeProducing(self) -> None:
        """Take note that everything was written; Twisted calls this."""
        self._blocked = False
        self._write_all()
        if self._blocked or not (self.is_full or self._catching_up):
            return
        self.is_full = False
        self._catching_up = True
        self._take_more()

    def stopProducing(self) -> None:
        """Take note that the connection is gone; Twisted calls this, and tells the protocol as well."""
        self.pieces.clear()
        self._size = 0

    def forget(self) -> None:
        """Hold nothing to be written, and nobody who could be told."""
        self.stopProducing()
        self.paused = self._ready = _tell_nobody

    def _take_more(self) -> None:
        self._ready(_ROOM)
        if not self._due:
            self._due = True
            self._soon(self)

    def _write_all(self) -> None:
        if self.pieces:
            data = b"".join(self.pieces)
            self.pieces.clear()
            self._size = 0
            self._transport.write(data)
