"""One tenant: who is in it, and which way its messages go. No two tenants share anything."""

from __future__ import annotations

from collections.abc import Iterable

from pkid.broker.identity import Identity
from pkid.broker.index import PatternIndex
from pkid.broker.peer import Peer
from pkid.broker.rights import Rights
from pkid.broker.routes import Route, Way, make_way
from pkid.broker.rules import Verb
from pkid.broker.topic import Pattern, read_topic

__all__ = ["Tenant"]

_MOST_REMEMBERED = 1 << 24  # bytes of routes and ways, about: some 25,000 topics of 40 characters


class Tenant:
    """The peers, subscriptions and exposures of one tenant.

    :param retained: topics whose messages are kept, whoever is subscribed.
    """

    def __init__(self, name: str, retained: tuple[Pattern, ...] = ()) -> None:
        self.name = name
        self._retained: PatternIndex[None] = PatternIndex()
        for pattern in retained:
            self._retained.add(pattern, None)
        self.named: dict[tuple[str, bool], Peer] = {}
        """Peers by name, and by whether it was proven."""
        self.exposers: dict[str, dict[Peer, None]] = {}
        self._literal: dict[str, dict[Peer, None]] = {}
        self._patterns: PatternIndex[Peer] = PatternIndex()
        self._routes: dict[str, Route] = {}
        self._ways: dict[tuple[object, ...], Way] = {}
        self._remembered = 0  # bytes of both, about
        self._version = -1  # of the rights for which they hold

    @property
    def is_empty(self) -> bool:
        """Whether nobody is left in it."""
        return not (self.named or self.exposers or self._literal) and self._patterns.is_empty

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
        self._ways.clear()
        for pattern in patterns:
            if not pattern.is_literal:
                self._forget()
                return
            self._routes.pop(pattern.text, None)

    def route(self, publisher: Identity, topic: str, rights: Rights) -> Route:
        """Return where a topic's messages go now; what nobody may publish on is not remembered.

        :raises Refused: ``bad-topic`` when it is none, ``forbidden`` when the publisher may not publish on it.
        """
        if self._version != rights.version:
            self._version = rights.version
            self._forget()
        known = self._routes.get(topic)
        route = known or self._survey(topic, rights)
        route.way.rights.check(publisher, Verb.PUBLISH)
        if known is None:
            self._remember(route.size)
            self._routes[topic] = route
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
        there, patterns = rights.on(segments), self._patterns.matching(segments)
        literal = tuple(self._literal.get(topic, ()))
        concerned = there, literal, *(pattern.text for pattern in patterns)
        way = self._ways.get(concerned)
        if way is None:
            found = [(pattern, self._patterns.at(pattern.segments)) for pattern in patterns]
            way = make_way(there, [(None, literal), *found])
            self._remember(way.size)
            self._ways[concerned] = way
        kept = way.is_missed or bool(self._retained.matching(segments))
        return Route(segments, way, kept)

    def _remember(self, size: int) -> None:
        """Make room for something that takes so many bytes."""
        if self._remembered + size > _MOST_REMEMBERED:
            self._forget()
        self._remembered += size

    def _forget(self) -> None:
        self._routes.clear()
        self._ways.clear()
        self._remembered = 0
