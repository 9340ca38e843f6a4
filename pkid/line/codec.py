"""The line protocol's codec, for both ends: bytes to values, and values to bytes.

Pure: knows no connection, no clock and no session. A core reads with :class:`CommandReader` and writes with
:mod:`pkid.line.replies`; a client reads with :class:`EventReader` and writes with :func:`write_command`.
"""

from __future__ import annotations

from pkid.broker.commands import Command
from pkid.line.commands import ARITIES, read_batch, read_command
from pkid.line.events import EVENT_ARITIES, Event, read_event
from pkid.line.frames import FrameReader, Limits, LineFault
from pkid.line.publications import PUBLISH, read_publications
from pkid.line.replies import (
    VERSION,
    write_batch,
    write_closing,
    write_delivery,
    write_fault,
    write_greeting,
    write_invocation,
    write_reply,
    write_series,
)
from pkid.line.requests import write_command
from pkid.line.talk import Bye, Help, Ping, Pong, Talk

__all__ = [
    "VERSION", "Bye", "CommandReader", "EventReader", "Help", "Limits", "LineFault", "Ping", "Pong", "Talk",
    "write_batch", "write_closing", "write_command", "write_delivery", "write_fault", "write_greeting",
    "write_invocation", "write_reply", "write_series",
]  # fmt: skip

_SINGLY = 15
_CLIENT_LIMITS = Limits(payload=1 << 26)


class CommandReader:
    """Reads what a client says."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._frames = FrameReader(ARITIES, self._limits)
        self._singly = 0  # lines that are read one by one, because one before them was no plain publication
        self.feed = self._frames.feed

    @property
    def waiting(self) -> int:
        """How many bytes came and were not read yet."""
        return self._frames.waiting

    def read(self, most: int = 1) -> Command | Talk | None:
        """Return the next command, or nothing when more bytes are needed.

        :param most: how many lines may be read as one command, if they publish and want no answer.
        :raises LineFault: when it cannot be read; unless that is fatal, the next one may be read after it.
        """
        if self._singly:
            self._singly -= 1
        elif most > 1:
            lines = self._frames.lines(PUBLISH)
            plain = read_publications(lines, most, self._limits.line) if lines else None
            if plain is not None:
                self._frames.skip(plain[1])
                return plain[0]
            self._singly = _SINGLY if lines else 0
        frame = self._frames.read()
        if frame is None:
            return None
        if most > 1 and frame.verb == "PUBLISH" and frame.words and not (frame.request or frame.options):
            bodies = self._frames.repeated(frame, most - 1)
            if bodies:
                return read_batch(frame, bodies)
        return read_command(frame)


class EventReader:
    """Reads what a core says."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._frames = FrameReader(EVENT_ARITIES, limits or _CLIENT_LIMITS)
        self.feed = self._frames.feed

    def read(self) -> Event | None:
        """Return the next event, or nothing when more bytes are needed.

        :raises LineFault: when it cannot be read; unless that is fatal, the next one may be read after it.
        """
        frame = self._frames.read()
        return None if frame is None else read_event(frame)
