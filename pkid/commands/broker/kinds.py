"""The kinds of resource that the broker has, and its sources for the inventory."""

from __future__ import annotations

from collections.abc import Iterable

from pkid.auth.component_keyring import StoredCredential
from pkid.broker.commands import View
from pkid.broker.identity import DEFAULT_TENANT
from pkid.broker.overview import SessionFacts, TopicFacts
from pkid.commands.broker.interfaces import Brokerage, Connected, StoredKeys
from pkid.inventory.kinds import Derivation, Field, Kind, Resource, Type
from pkid.inventory.source import MemorySource, Source

__all__ = ["BROKER_KINDS", "KEY", "SESSION", "TOPIC", "broker_sources", "key_resource"]

SESSION = Kind(
    "session",
    "a session of the broker",
    "session",
    ("session", "name", "proven", "door", "peer", "state", "waiting", "dropped", "held_up_by"),
    (
        Field("session", Type.INTEGER, "its number"),
        Field("name", Type.TEXT, "the component's name, if it gave one"),
        Field("proven", Type.BOOLEAN, "whether the name was proven"),
        Field("tenant", Type.TEXT, "the tenant of the name; none for the default one"),
        Field("credential", Type.TEXT, "by what the name was proven, as key:NAME"),
        Field("door", Type.TEXT, "the door that it came to"),
        Field("peer", Type.TEXT, "the address that it came from"),
        Field("state", Type.TEXT, "greeted, identifying, proving, verifying or open"),
        Field("active", Type.BOOLEAN, "whether it takes messages"),
        Field("subscriptions", Type.INTEGER, "topics and patterns that it subscribed to"),
        Field("exposures", Type.INTEGER, "topics that it exposes"),
        Field("waiting", Type.INTEGER, "messages that wait for it because it is slow"),
        Field("waiting_bytes", Type.INTEGER, "how many bytes those are"),
        Field("dropped", Type.INTEGER, "messages that it did not get because too much waited"),
        Field("held_up_by", Type.TEXT, "why it is slow: transport, history (kept messages first) or acknowledgements"),
        Field("unacknowledged", Type.INTEGER, "messages that it has not acknowledged"),
        Field("calls", Type.INTEGER, "calls of its own that wait for an answer"),
        Field("serving", Type.INTEGER, "calls that it is to answer"),
    ),
)

TOPIC = Kind(
    "topic",
    "a topic or pattern of the broker that is used, or was made private or public",
    "id",
    ("name", "tenant", "private", "subscribers", "exposers"),
    (
        Field("id", Type.TEXT, "its name, and behind a space its tenant"),
        Field("name", Type.TEXT, "its name"),
        Field("tenant", Type.TEXT, "the tenant whose components use it; none for the default one, or if nobody does"),
        Field("private", Type.BOOLEAN, "whether only those may use it who are granted something"),
        Field("subscribers", Type.INTEGER, "those who subscribed to it, away or not"),
        Field("exposers", Type.INTEGER, "those who expose it"),
    ),
)

KEY = Kind(
    "key",
    "what a component proves its name with, in the core's own keyring",
    "key",
    ("key", "name", "scheme", "expires"),
    (
        Field("key", Type.TEXT, "what it is called"),
        Field("name", Type.TEXT, "the component's name"),
        Field("scheme", Type.TEXT, "the best kind of proof that it is good for"),
        Field("recoverable", Type.BOOLEAN, "whether the core knows the secret itself"),
        Field("created", Type.INSTANT, "when it was stored"),
        Field("created_by", Type.TEXT, "on whose word, as psk:default"),
        Field("last_used", Type.INSTANT, "when it last proved the name"),
        Field("expires", Type.INSTANT, "when it ends"),
        Field("expired", Type.BOOLEAN, "whether it has ended", Derivation.PAST, "expires"),
    ),
)

BROKER_KINDS = (SESSION, TOPIC, KEY)
"""All of them."""


def broker_sources(broker: Brokerage, keyring: StoredKeys) -> list[Source]:
    """Return the broker's sources, one for each kind; everything is asked for at each search."""

    async def sessions() -> Iterable[Resource]:
        connections = {each.number: each for each in broker.connections()}
        facts = (each for each in broker.look(View.SESSIONS) if isinstance(each, SessionFacts))
        return [_session_resource(each, connections.get(each.number)) for each in facts]

    async def topics() -> Iterable[Resource]:
        return _topic_resources(broker)

    async def keys() -> Iterable[Resource]:
        return map(key_resource, await keyring.list())

    return [MemorySource(SESSION, sessions), MemorySource(TOPIC, topics), MemorySource(KEY, keys)]


def key_resource(credential: StoredCredential) -> Resource:
    """Return a component's credential: never the secret or the verifier."""
    return {
        "key": credential.identifier,
        "name": credential.component,
        "scheme": credential.schemes[0].value,
        "recoverable": credential.is_recoverable,
        "created": credential.created,
        "created_by": credential.created_by or None,
        "last_used": credential.last_used,
        "expires": credential.expires,
    }


def _session_resource(facts: SessionFacts, connection: Connected | None) -> Resource:
    return {
        "session": facts.number,
        "name": facts.identity.component,
        "proven": facts.identity.authenticated,
        "tenant": _tenant(facts.identity.tenant),
        "credential": (connection.credential or None) if connection else None,
        "door": connection.approach.door if connection else None,
        "peer": connection.approach.peer if connection else None,
        "state": facts.state.value,
        "active": facts.active,
        "subscriptions": facts.subscriptions,
        "exposures": facts.exposures,
        "waiting": facts.waiting,
        "waiting_bytes": facts.waiting_bytes,
        "dropped": facts.dropped,
        "held_up_by": None if facts.held_up_by is None else facts.held_up_by.value,
        "unacknowledged": facts.unacknowledged,
        "calls": facts.calls,
        "serving": facts.serving,
    }


def _topic_resources(broker: Brokerage) -> list[Resource]:
    """Return the topics that are used, and those that rights name and nobody uses."""
    used = [each for each in broker.look(View.TOPICS) if isinstance(each, TopicFacts)]
    idle = {topic.text for topic, _ in broker.rights.visibility()} - {each.topic for each in used}
    facts = [*used, *(TopicFacts(DEFAULT_TENANT, topic, (), ()) for topic in sorted(idle))]
    return [_topic_resource(each, broker.rights.is_private(tuple(each.topic.split("/")))) for each in facts]


def _topic_resource(facts: TopicFacts, private: bool) -> Resource:
    tenant = _tenant(facts.tenant)
    return {
        "id": facts.topic if tenant is None else f"{facts.topic} {tenant}",
        "name": facts.topic,
        "tenant": tenant,
        "private": private,
        "subscribers": len(facts.subscribers),
        "exposers": len(facts.exposers),
    }


def _tenant(name: str) -> str | None:
    return None if name == DEFAULT_TENANT else name
