"""How many connections there may be, of all and of one address, and how many of those that proved no name. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pkid.auth.fairness import peer_key
from pkid.errors import Reason, Unavailable

__all__ = ["Occupancy", "Places"]


@dataclass(frozen=True, slots=True)
class Places:
    """How many connections there may be at a time.

    :ivar unproven: of those that have not proven a name, so that strangers leave places for the others.
    :ivar per_address: of one address, or of one /64 of IPv6.
    """

    total: int = 10_000
    unproven: int = 5_000
    per_address: int = 1_000
    unproven_per_address: int = 250


class Occupancy:
    """Counts the connections.

    :ivar refused: how many were turned away.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._total = 0
        self._unproven = 0
        self._by_address: dict[str, int] = {}
        self._unproven_by_address: dict[str, int] = {}
        self.refused = 0

    def __len__(self) -> int:
        return self._total

    def enter(self, peer: str) -> None:
        """Take a place for a connection, which has proven nothing.

        :raises Unavailable: ``busy`` when there is none.
        """
        places, address = self._places, peer_key(peer)
        if (
            self._total >= places.total
            or self._unproven >= places.unproven
            or self._by_address.get(address, 0) >= places.per_address
            or self._unproven_by_address.get(address, 0) >= places.unproven_per_address
        ):
            self.refused += 1
            raise Unavailable(Reason.BUSY)
        self._total += 1
        self._by_address[address] = self._by_address.get(address, 0) + 1
        self._unproven += 1
        self._unproven_by_address[address] = self._unproven_by_address.get(address, 0) + 1

    def prove(self, peer: str) -> None:
        """Take note that a connection proved its name."""
        self._unproven -= 1
        _decrease(self._unproven_by_address, peer_key(peer))

    def leave(self, peer: str, *, proven: bool) -> None:
        """Give a place back."""
        if not proven:
            self.prove(peer)
        self._total -= 1
        _decrease(self._by_address, peer_key(peer))


def _decrease(counts: dict[str, int], key: str) -> None:
    left = counts[key] - 1
    if left:
        counts[key] = left
    else:
        del counts[key]
