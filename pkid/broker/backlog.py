"""What waits for one session: bounded in bytes and in number, with a stated way to overflow."""

from __future__ import annotations

from collections import OrderedDict, deque

from pkid.broker.effects import Deliver, Effect
from pkid.broker.message import Message, QoS
from pkid.broker.policy import Overflow, Policy
from pkid.broker.values import value

__all__ = ["Backlog", "Entry"]

_OVERHEAD = 256  # bytes that an entry takes beside its payload, about


@value
class Entry:
    """Something that waits to be written."""

    effect: Effect
    size: int
    """Bytes of its payload."""

    @property
    def may_be_dropped(self) -> bool:
        """Whether it was promised to nobody: a message that may get lost."""
        return isinstance(self.effect, Deliver) and self.effect.message.qos is QoS.AT_MOST_ONCE


# Never changed: they stand for the containers of the many for whom nothing waits, because empty ones are large.
_NO_ENTRIES: OrderedDict[int, Entry] = OrderedDict()
_NO_TICKETS: deque[int] = deque()


class Backlog:
    """The entries that wait, in order.

    :ivar dropped: how many were dropped, ever.
    :ivar bytes: how much waits.
    """

    __slots__ = ("_droppable", "_entries", "_policy", "_tickets", "bytes", "dropped")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._entries = _NO_ENTRIES
        self._droppable = _NO_TICKETS
        self._tickets = 0
        self.bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    def offer(self, entry: Entry) -> bool:
        """Let an entry wait, or drop what may be dropped; return ``False`` when the session must end instead."""
        overflow = self._policy.overflow
        spare = overflow is Overflow.DROP_OLDEST and entry.size + _OVERHEAD <= self._policy.backlog_bytes
        while not self._has_room(entry):
            if overflow is Overflow.DISCONNECT:
                return False
            if (spare or not entry.may_be_dropped) and self._drop_oldest():
                continue
            self.dropped += entry.may_be_dropped
            return entry.may_be_dropped
        self._append(entry)
        return True

    def first(self) -> Entry:
        """Return the entry that waits longest."""
        return next(iter(self._entries.values()))

    def take(self) -> Entry:
        """Take the entry that waits longest."""
        ticket, entry = self._entries.popitem(last=False)
        if self._droppable and self._droppable[0] == ticket:
            self._droppable.popleft()
        self.bytes -= entry.size + _OVERHEAD
        return entry

    def clear(self) -> None:
        """Forget everything."""
        self._entries, self._droppable = _NO_ENTRIES, _NO_TICKETS
        self.bytes = 0

    def withdraw(self) -> list[Message]:
        """Take all messages, and leave the rest."""
        entries = self._entries
        self.clear()
        for entry in entries.values():
            if not isinstance(entry.effect, Deliver):
                self._append(entry)
        return [entry.effect.message for entry in entries.values() if isinstance(entry.effect, Deliver)]

    def _has_room(self, entry: Entry) -> bool:
        """Tell whether an entry fits; what must not be dropped fits in an empty backlog whatever its size."""
        policy = self._policy
        if not self._entries and not entry.may_be_dropped:
            return True
        fits = self.bytes + entry.size + _OVERHEAD <= policy.backlog_bytes
        return fits and len(self._entries) < policy.backlog_entries

    def _append(self, entry: Entry) -> None:
        if self._entries is _NO_ENTRIES:
            self._entries = OrderedDict()
        self._tickets += 1
        self._entries[self._tickets] = entry
        self.bytes += entry.size + _OVERHEAD
        if entry.may_be_dropped:
            if self._droppable is _NO_TICKETS:
                self._droppable = deque()
            self._droppable.append(self._tickets)

    def _drop_oldest(self) -> bool:
        if not self._droppable:
            return False
        self.bytes -= self._entries.pop(self._droppable.popleft()).size + _OVERHEAD
        self.dropped += 1
        return True
