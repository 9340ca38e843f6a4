"""The connections of a door that have not even shaken hands: how many there may be, at all and of one address."""

from __future__ import annotations

from pkid.auth.fairness import peer_key

__all__ = ["Handshakes"]


class Handshakes:
    """Counts the handshakes that are under way.

    :param most: how many there may be.
    :param per_address: how many of one address.
    """

    def __init__(self, most: int, per_address: int) -> None:
        self._most = most
        self._per_address = per_address
        self._counts: dict[str, int] = {}
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def begin(self, peer: str) -> bool:
        """Take a place for a connection from an address, and tell whether there was one."""
        address = peer_key(peer)
        under_way = self._counts.get(address, 0)
        if self._total >= self._most or under_way >= self._per_address:
            return False
        self._counts[address] = under_way + 1
        self._total += 1
        return True

    def end(self, peer: str) -> None:
        """Give the place back."""
        address = peer_key(peer)
        self._total -= 1
        left = self._counts[address] - 1
        if left:
            self._counts[address] = left
        else:
            del self._counts[address]
