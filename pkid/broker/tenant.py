"""One tenant: who is in it, and which way its messages go. No two tenants share anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pkid.broker.index import PatternIndex
from pkid.broker.peer import Peer
from pkid.broker.rights import Rights
from pkid.broker.rules import Verb
from pkid.broker.topic import Pattern, Segments, read_topic

__all__ = ["Route", "Stop", "Tenant"]

_MOST_ROUTES = 4096


@dataclass(frozen=True, slots=True)
class Stop:
    """Those who get a message under the same subscription, and may."""

    pattern: Pattern | None
    """``None``: they subscribed to the topic itself."""
    peers: tuple[Peer, ...]
    sessions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """Where the messages of a topic go, as long as rights and subscriptions stay as they are."""

    version: int
    """The version of the rights under which it was made."""
    segments: Segments
    stops: tuple[Stop, ...]
    members: frozenset[Peer]
    is_kept: bool
    """Whether they are kept: by policy, or because somebody who is away wants them later."""
    is_single: bool
    """Whether nobody gets a message more than once, by several subscriptions."""


class Tenant:
    """The peers, subscriptions and exposures of one tenant.

    :param retained: topics whose messages are kept, whoever is subscribed.
    """

    def __init__(self, name: str, retained: tuple[Pattern, ...] = ()) -> None:
        self.name = name
        self._retained = retained
        self.named: dict[tuple[str, bool], Peer] = {}
        """Peers by name, and by whether it was proven."""
        self.exposers: dict[str, dict[Peer, None]] = {}
        self._literal: dict[str, dict[Peer, None]] = {}
        self._patterns: PatternIndex[Peer] = PatternIndex()
        self._routes: dict[str, Route] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nobody is left in it."""
        return not (self.named or self.exposers or self._literal or any(True for _ in self._patterns))

    def subscribe(self, peer: Peer, pattern: Pattern) -> None:
        """Add a subscription."""
        if pattern.is_literal:
            self._literal.setdefault(pattern.text, {})[peer] = None
        else:
            peer.patterns += self._patterns.add(pattern, peer)
        self.reroute([pattern])

    def unsubscribe(self, peer: Peer, pattern: Pattern) -> None:
        """Remove a subscription."""
        if not pattern.is_literal:
            peer.patterns -= self._patterns.discard(pattern, peer)
        elif pattern.text in self._literal:
            self._literal[pattern.text].pop(peer, None)
            if not self._literal[pattern.text]:
                del self._literal[pattern.text]
        self.reroute([pattern])

    def reroute(self, patterns: Iterable[Pattern]) -> None:
        """Forget the routes of these topics, because somebody came or went."""
        for pattern in patterns:
            if not pattern.is_literal:
                self._routes.clear()
                return
            self._routes.pop(pattern.text, None)

    def route(self, topic: str, rights: Rights) -> Route:
        """Return where a topic's messages go now.

        :raises Refused: ``bad-topic`` when it is none.
        """
        route = self._routes.get(topic)
        if route is None or route.version != rights.version:
            if len(self._routes) >= _MOST_ROUTES:
                self._routes.clear()
            route = self._routes[topic] = self._survey(topic, rights)
        return route

    def expose(self, peer: Peer, topic: str) -> None:
        """Add an exposer."""
        self.exposers.setdefault(topic, {})[peer] = None

    def unexpose(self, peer: Peer, topic: str) -> None:
        """Remove an exposer."""
        exposers = self.exposers.get(topic, {})
        exposers.pop(peer, None)
        if not exposers:
            self.exposers.pop(topic, None)

    def subscribers(self) -> dict[str, list[Peer]]:
        """Return who subscribed to which topics and patterns."""
        found = {topic: list(peers) for topic, peers in self._literal.items()}
        for pattern, peer in self._patterns:
            found.setdefault(pattern.text, []).append(peer)
        return found

    def find(self, component: str) -> Peer | None:
        """Return the peer of this name, the proven one if there is one."""
        return self.named.get((component, True)) or self.named.get((component, False))

    def _survey(self, topic: str, rights: Rights) -> Route:
        segments = read_topic(topic)
        found = [(None, tuple(self._literal.get(topic, ()))), *self._patterns.find(segments)]
        there = rights.on(segments)
        everybody = {peer for _, peers in found for peer in peers}
        allowed = {peer: there.explain(peer.identity, Verb.SUBSCRIBE).allowed for peer in everybody}
        stops = [_stop(pattern, [peer for peer in peers if allowed[peer] and peer.active]) for pattern, peers in found]
        stops = [stop for stop in stops if stop.peers]
        missed = any(allowed[peer] and not peer.active and peer.wants_history for _, peers in found for peer in peers)
        members = frozenset(peer for stop in stops for peer in stop.peers)
        kept = missed or any(pattern.matches(segments) for pattern in self._retained)
        single = len(members) == sum(len(stop.peers) for stop in stops)
        return Route(rights.version, segments, tuple(stops), members, kept, single)


def _stop(pattern: Pattern | None, peers: list[Peer]) -> Stop:
    return Stop(pattern, tuple(peers), tuple(peer.session for peer in peers if peer.session is not None))
