"""Patterns of names, as an operator writes them: each becomes a matcher that takes linear time, never a regex."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from pkid.ca.names import IPAddress, host_name
from pkid.errors import Reason, Refused

__all__ = ["ComponentPattern", "HostPattern", "NetworkPattern"]

_LONGEST = 256  # characters of a component pattern
_CHARACTERS = frozenset(f"{string.ascii_letters}{string.digits}._-*")


@dataclass(frozen=True, slots=True)
class HostPattern:
    """A host name; or ``*.SUFFIX``, every name below a domain but not the domain itself; or ``*``, every name.

    :raises Refused: when it is none of these.
    """

    text: str

    def __post_init__(self) -> None:
        suffix = self.text.removeprefix("*.")
        if self.text != "*" and ("*" in suffix or host_name(suffix) != suffix):
            raise Refused(Reason.BAD_NAME, repr(self.text))

    def covers(self, name: str) -> bool:
        """Tell whether everything that a checked host name stands for, itself a wildcard perhaps, is meant."""
        return self.text == "*" or name == self.text or (self.text[:1] == "*" and name.endswith(self.text[1:]))

    def meets(self, name: str) -> bool:
        """Tell whether anything that the name stands for is meant: a wildcard stands for one more label."""
        parent = self.text.partition(".")[2]
        return self.covers(name) or (name[:2] == "*." and "*" not in self.text and name[2:] == parent)


@dataclass(frozen=True, slots=True)
class NetworkPattern:
    """All addresses of a network; of one address, if it has no more."""

    network: IPv4Network | IPv6Network

    def covers(self, name: IPAddress) -> bool:
        """Tell whether the address is meant."""
        return name in self.network

    meets = covers


@dataclass(frozen=True, slots=True)
class ComponentPattern:
    """A component's name, in which each ``*`` stands for any characters, or for none.

    :raises Refused: when the rest could not stand in a component's name.
    """

    text: str
    _pieces: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.text) <= _LONGEST or not _CHARACTERS.issuperset(self.text):
            raise Refused(Reason.BAD_NAME, repr(self.text[:_LONGEST]))
        object.__setattr__(self, "_pieces", tuple(self.text.split("*")))

    @property
    def is_literal(self) -> bool:
        """Whether it means one name only."""
        return len(self._pieces) == 1

    def covers(self, name: str) -> bool:
        """Tell whether the name is meant; upper and lower case differ."""
        first, *others = self._pieces
        if not others:
            return name == first
        *middle, last = others
        end = len(name) - len(last)
        if not name.startswith(first) or not name.endswith(last):
            return False
        position = len(first)
        for piece in middle:  # the first place for each leaves the most for the others
            found = name.find(piece, position, end)
            if found < 0:
                return False
            position = found + len(piece)
        return position <= end

    meets = covers
