"""Who is there, and who was: the tenants and their peers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from pkid.broker.identity import Identity, Tenants
from pkid.broker.peer import Peer, Subscription
from pkid.broker.policy import Policy
from pkid.broker.tenant import Tenant
from pkid.broker.topic import Pattern

__all__ = ["Membership"]


class Membership:
    """The tenants with their peers; a peer with a name stays when its session ends, as long as it wants something.

    :param declared: tells which tenant a name belongs to.
    """

    def __init__(self, policy: Policy, declared: Tenants) -> None:
        self._policy = policy
        self._declared = declared
        self._tenants: dict[str, Tenant] = {}
        self._absent: OrderedDict[Peer, int] = OrderedDict()  # unproven, with how many topics each wants
        self._absent_topics = 0

    def tenant(self, identity: Identity) -> Tenant:
        """Return the tenant that somebody is in."""
        name = identity.tenant
        if name not in self._tenants:
            self._tenants[name] = Tenant(name, self._policy.retained)
        return self._tenants[name]

    def tenants(self) -> list[Tenant]:
        """Return all tenants."""
        return list(self._tenants.values())

    def peers(self, component: str) -> list[Peer]:
        """Return the peers of a name, the proven one first."""
        tenant = self._tenants.get(self._declared.of(component))
        return [] if tenant is None else [tenant.named[key] for key in _keys(component) if key in tenant.named]

    def join(self, identity: Identity, session: int, active: bool) -> Peer:
        """Let somebody take part, as the peer that it was before if it has a name."""
        peer = self._named(identity) if identity.component is not None else Peer(identity, self._policy)
        self._absent_topics -= self._absent.pop(peer, 0)
        peer.session = session
        peer.active = active
        if peer.subscriptions:
            self.tenant(identity).reroute(peer.subscriptions)
        return peer

    def leave(self, peer: Peer) -> None:
        """Let a peer go that rests; forget it unless it has a name and wants what comes meanwhile."""
        peer.session = None
        if peer.identity.component is None or not (peer.identity.authenticated or peer.subscriptions or peer.exposed):
            self.forget(peer)
        elif not peer.identity.authenticated:
            self._keep_little(peer)

    def forget(self, peer: Peer) -> None:
        """Forget a peer, and all that it wanted."""
        tenant = self.tenant(peer.identity)
        for pattern in list(peer.subscriptions):
            tenant.unsubscribe(peer, pattern)
        for topic in list(peer.exposed):
            tenant.unexpose(peer, topic)
        peer.subscriptions.clear()
        peer.exposed.clear()
        self._absent_topics -= self._absent.pop(peer, 0)
        if peer.identity.component is not None:
            tenant.named.pop((peer.identity.component, peer.identity.authenticated), None)
        if tenant.is_empty:
            self._tenants.pop(tenant.name, None)

    def restore(self, component: str, subscriptions: Iterable[tuple[Pattern, float]], mark: int) -> None:
        """Remember a proven component from before the start: what it subscribed to, and how far it had got."""
        peer = self._named(self._declared.identify(component, True))
        for pattern, since in subscriptions:
            peer.subscriptions[pattern] = Subscription(since, mark)
            self.tenant(peer.identity).subscribe(peer, pattern)

    def displaced(self) -> list[Peer]:
        """Return the peers whose names belong to another tenant now than the one that they are in."""
        named = (peer for tenant in self._tenants.values() for peer in tenant.named.values())
        return [peer for peer in named if self._declared.of(peer.identity.component) != peer.identity.tenant]

    def move(self, peer: Peer) -> None:
        """Take a displaced peer, which is away, to its tenant, if it proved its name; forget it otherwise."""
        wanted, identity = dict(peer.subscriptions), peer.identity
        self.forget(peer)
        if not (wanted and identity.authenticated):
            return
        moved = self._named(self._declared.identify(identity.component, True))
        moved.subscriptions.update(wanted)
        for pattern in wanted:
            self.tenant(moved.identity).subscribe(moved, pattern)

    def _keep_little(self, peer: Peer) -> None:
        """Remember what an unproven name wants, as long as all of these together do not want too much."""
        peer.received.clear()
        self._absent[peer] = topics = len(peer.subscriptions) + len(peer.exposed)
        self._absent_topics += topics
        while len(self._absent) > self._policy.absent or self._absent_topics > self._policy.absent_topics:
            self.forget(next(iter(self._absent)))

    def _named(self, identity: Identity) -> Peer:
        key = (identity.component or "", identity.authenticated)
        named = self.tenant(identity).named
        if key not in named:
            named[key] = Peer(identity, self._policy)
        return named[key]


def _keys(component: str) -> tuple[tuple[str, bool], tuple[str, bool]]:
    return (component, True), (component, False)
