"""A bounded queue that serves peers in turn, so that one that asks for much delays mostly itself."""

from __future__ import annotations

from collections import OrderedDict, deque
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Generic, TypeVar

__all__ = ["AcquaintedQueue", "FairQueue", "QueueFull", "peer_key"]

T = TypeVar("T")


class QueueFull(Exception):
    """The queue is full, and the peer that asked has no smaller share of it than the others."""


class FairQueue(Generic[T]):
    """Items in one line per peer; lines take turns, and a full queue takes from the longest line.

    :param capacity: how many items may wait in all.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def push(self, peer: str, item: T) -> T | None:
        """Add an item at the end of a peer's line; return the item that had to leave for it, if any.

        :raises QueueFull: when the queue is full and this peer's line is (nearly) the longest.
        """
        evicted = self._make_room(peer) if self._size >= self._capacity else None
        self._lines.setdefault(peer, deque()).append(item)
        self._size += 1
        return evicted

    def pop(self) -> T:
        """Take the first item of the line whose turn it is.

        :raises IndexError: when nothing waits.
        """
        if not self._lines:
            raise IndexError("pop from an empty queue")
        peer, line = self._lines.popitem(last=False)
        item = line.popleft()
        if line:
            self._lines[peer] = line
        self._size -= 1
        return item

    def _make_room(self, peer: str) -> T:
        longest = max(self._lines, key=lambda name: len(self._lines[name]))
        if len(self._lines[longest]) <= len(self._lines.get(peer, ())) + 1:
            raise QueueFull
        self._size -= 1
        return self._lines[longest].pop()


class AcquaintedQueue(Generic[T]):
    """Two fair queues that take turns: one for peers that proved themselves before, one for all others.

    So strangers, however many they are, take half of the turns from the acquainted peers at most, and no place.

    :param capacity: how many items may wait in each.
    :param acquaintances: how many peers are kept in mind, the longest unseen leaving first.
    """

    def __init__(self, capacity: int, acquaintances: int = 4096) -> None:
        self._strangers: FairQueue[T] = FairQueue(capacity)
        self._acquainted: FairQueue[T] = FairQueue(capacity)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._most_known = acquaintances
        self._served_last = self._strangers

    def __len__(self) -> int:
        return len(self._strangers) + len(self._acquainted)

    def welcome(self, peer: str) -> None:
        """Keep in mind that a peer proved itself."""
        self._known[peer] = None
        self._known.move_to_end(peer)
        if len(self._known) > self._most_known:
            self._known.popitem(last=False)

    def push(self, peer: str, item: T, *, suspect: bool = False) -> T | None:
        """Add an item, as :meth:`FairQueue.push` does, to the queue that the peer belongs to.

        :param suspect: let it wait with the strangers, whoever the peer is.
        :raises QueueFull: when that queue is full.
        """
        acquainted = peer in self._known and not suspect
        return (self._acquainted if acquainted else self._strangers).push(peer, item)

    def pop(self, *, strangers: bool = True) -> tuple[T, bool]:
        """Take the next item, from the queue that was not served last if something waits there.

        Return with it whether it waited with the strangers.

        :param strangers: whether it may be one of theirs.
        :raises IndexError: when nothing waits.
        """
        turn_of_strangers = self._served_last is self._acquainted or not self._acquainted
        queue = self._strangers if strangers and turn_of_strangers and self._strangers else self._acquainted
        item = queue.pop()
        self._served_last = queue
        return item, queue is self._strangers


@lru_cache(4096)
def peer_key(host: str) -> str:
    """Return what stands for a peer: its address, or for IPv6 its /64, of which one peer has plenty.

    Anything that is not an address stands for itself.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)
