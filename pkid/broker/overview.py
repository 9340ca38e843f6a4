"""What an operator may see of the broker: its sessions, its topics, its rights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from pkid.broker.identity import Identity
from pkid.broker.peer import Peer
from pkid.broker.session import Session
from pkid.broker.states import State
from pkid.broker.tenant import Tenant

__all__ = ["Figures", "HeldUp", "SessionFacts", "TopicFacts", "describe_session", "describe_topics"]


@dataclass(frozen=True, slots=True)
class Figures:
    """The broker in numbers."""

    waiting_bytes: int
    """Of what waits for all sessions."""
    dropped: int
    """Messages that were dropped, ever, because too much waited for a session."""
    calls: int
    """Calls that wait for an answer."""


class HeldUp(Enum):
    """Why messages wait for a session."""

    TRANSPORT = "transport"
    """Its connection takes no more: the client reads too slowly."""
    HISTORY = "history"
    """What was kept for it comes first."""
    ACKNOWLEDGEMENTS = "acknowledgements"
    """Too much of what was sent is not acknowledged."""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session, and how it keeps up."""

    number: int
    state: State
    identity: Identity
    active: bool
    """Whether it takes messages."""
    subscriptions: int
    exposures: int
    waiting: int
    """Entries that wait because its transport, a recall or missing acknowledgements hold them up."""
    waiting_bytes: int
    dropped: int
    """Messages that were dropped because too much waited."""
    unacknowledged: int
    calls: int
    """Calls of its own that wait for an answer."""
    serving: int
    """Calls that it is to answer."""
    held_up_by: HeldUp | None = None
    """Why something waits for it, or would; ``None`` when it keeps up."""


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """One topic or pattern of a tenant, and who uses it, whether connected or away."""

    tenant: str
    topic: str
    subscribers: tuple[Identity, ...]
    exposers: tuple[Identity, ...]


def describe_session(session: Session, peer: Peer | None) -> SessionFacts:
    """Say what is to be known of a session."""
    if peer is None:
        return SessionFacts(session.number, session.state, session.identity, False, 0, 0, 0, 0, 0, 0, 0, 0)
    return SessionFacts(
        session.number, session.state, session.identity, peer.active, len(peer.subscriptions), len(peer.exposed),
        len(peer.backlog), peer.backlog.bytes, peer.backlog.dropped, len(peer.sent), len(peer.calls), len(peer.serving),
        _held_up(peer),
    )  # fmt: skip


def describe_topics(tenants: Iterable[Tenant]) -> Iterator[TopicFacts]:
    """Say who uses which topics."""
    for tenant in tenants:
        subscribers = tenant.subscribers()
        for topic in sorted(subscribers.keys() | tenant.exposers.keys()):
            wanting, offering = subscribers.get(topic, ()), tenant.exposers.get(topic, ())
            yield TopicFacts(tenant.name, topic, _identities(wanting), _identities(offering))


def _held_up(peer: Peer) -> HeldUp | None:
    if peer.paused:
        return HeldUp.TRANSPORT
    if peer.recalls:
        return HeldUp.HISTORY
    if len(peer.sent) >= peer.policy.unacknowledged:
        return HeldUp.ACKNOWLEDGEMENTS
    return HeldUp.TRANSPORT if peer.backlog else None  # it is read again, but not as fast as more comes


def _identities(peers: Iterable[Peer]) -> tuple[Identity, ...]:
    return tuple(peer.identity for peer in peers)
