"""Which way the messages of a topic go, for as long as rights and subscriptions stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pkid.broker.peer import Peer
from pkid.broker.rights import TopicRights
from pkid.broker.rules import Verb
from pkid.broker.topic import Pattern, Segments

__all__ = ["Route", "Stop", "Way", "make_way"]


@dataclass(frozen=True, slots=True)
class Stop:
    """Those who get a message under the same subscription, and may."""

    pattern: Pattern | None
    """``None``: they subscribed to the topic itself."""
    peers: tuple[Peer, ...]
    sessions: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """To whom messages go; topics that the same rules and subscriptions concern share one."""

    rights: TopicRights
    """What holds on these topics."""
    stops: tuple[Stop, ...]
    members: frozenset[Peer]
    is_missed: bool
    """Whether somebody who is away wants them later."""
    is_single: bool
    """Whether nobody gets a message more than once, by several subscriptions."""

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return 1000 + 150 * len(self.members)


class Route(NamedTuple):
    """Where the messages of one topic go; a tuple, because one is made for each topic."""

    segments: Segments
    way: Way
    is_kept: bool
    """Whether they are kept: by policy, or because somebody who is away wants them later."""

    @property
    def size(self) -> int:
        """Bytes that it takes with its topic, about."""
        return 350 + 60 * len(self.segments) + 2 * sum(map(len, self.segments))


def make_way(rights: TopicRights, found: Iterable[tuple[Pattern | None, Collection[Peer]]]) -> Way:
    """Return the way to those who subscribed and may, by what they subscribed to."""
    wanted = [(pattern, peers) for pattern, peers in found if peers]
    everybody = {peer for _, peers in wanted for peer in peers}
    allowed = {peer for peer in everybody if rights.explain(peer.identity, Verb.SUBSCRIBE).allowed}
    stops = [_stop(pattern, [peer for peer in peers if peer in allowed and peer.active]) for pattern, peers in wanted]
    stops = [stop for stop in stops if stop.peers]
    members = frozenset(peer for stop in stops for peer in stop.peers)
    missed = any(not peer.active and peer.wants_history for peer in allowed)
    return Way(rights, tuple(stops), members, missed, len(members) == sum(len(stop.peers) for stop in stops))


def _stop(pattern: Pattern | None, peers: list[Peer]) -> Stop:
    return Stop(pattern, tuple(peers), tuple(peer.session for peer in peers if peer.session is not None))
