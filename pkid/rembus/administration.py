"""What admin packets ask for, and how what they look at is told.

Every one of them becomes a command of the broker's, which checks its rights; there is none that is done here. What ends
or reconfigures the whole broker is not offered to its clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pkid.broker.changes import AddRule, Authorize, Change, PrivateTopic, PublicTopic, Unauthorize
from pkid.broker.commands import (
    LAST_RECEIVED,
    NOW,
    Administer,
    Command,
    Expose,
    Inspect,
    React,
    Setup,
    Subscribe,
    Unexpose,
    Unsubscribe,
    View,
)
from pkid.broker.identity import Identity
from pkid.broker.overview import TopicFacts
from pkid.broker.rules import Access
from pkid.broker.topic import Pattern
from pkid.errors import Malformed, Reason
from pkid.rembus.names import component_of
from pkid.rembus.packets import Admin

__all__ = ["COMMANDS", "UnknownCommand", "broker_config", "describe", "private_topics_config", "read_command"]

_NANOSECOND = 1e-9

Data = Mapping[str, Any]


class UnknownCommand(Exception):
    """There is no such command."""


def read_command(packet: Admin) -> Command:
    """Return what an admin packet asks for.

    :raises UnknownCommand: when there is no such command.
    :raises Malformed: ``bad-message`` when something in it is missing or wrong.
    :raises Refused: ``bad-topic`` or ``bad-name``.
    """
    data = packet.data
    if not isinstance(data, dict) or not isinstance(name := data.get("cmd"), str):
        raise _wrong("cmd")
    if name not in COMMANDS:
        raise UnknownCommand
    return COMMANDS[name](packet, data)


def describe(name: str, value: object) -> object:
    """Return what was looked at as a client expects it.

    :param name: the name of the command that asked.
    """
    shape = _SHAPES.get(name)
    return None if shape is None or not isinstance(value, tuple) else shape(value)


def private_topics_config(changes: Iterable[Change]) -> dict[str, list[str]]:
    """Return the private topics, each with the components that may use it by name."""
    private: dict[str, list[str]] = {}
    granted: list[AddRule] = []
    for change in changes:
        match change:
            case PrivateTopic(topic):
                private[topic.text] = []
            case AddRule(rule) if rule.access is Access.GRANT and rule.subject.is_component:
                granted.append(change)
    for change in granted:
        if change.rule.topic.text in private:
            private[change.rule.topic.text].append(change.rule.subject.text)
    return private


def broker_config(topics: Iterable[TopicFacts]) -> dict[str, dict[str, list[str]]]:
    """Return who exposes and who subscribed to which topics."""
    exposers: dict[str, list[str]] = {}
    subscribers: dict[str, list[str]] = {}
    for facts in topics:
        for identities, listed in ((facts.exposers, exposers), (facts.subscribers, subscribers)):
            if identities:
                listed.setdefault(facts.topic, []).extend(map(_called, identities))
    return {"exposers": exposers, "subscribers": subscribers}


def _subscribe(packet: Admin, data: Data) -> Command:
    return Subscribe(packet.id, packet.topic, _seconds(data.get("msg_from", NOW)))


def _react(packet: Admin, data: Data) -> Command:
    active, since = data.get("status"), data.get("msg_from")
    if not isinstance(active, bool):
        raise _wrong("status")
    return React(packet.id, active, None if since is None else _seconds(since))


def _set_up(packet: Admin, data: Data) -> Command:
    subscribed = tuple((topic, None) for topic in _texts(data, "subscribers"))
    return Setup(packet.id, _texts(data, "exposers"), subscribed)


def _changing(change: Callable[[Pattern], Change]) -> Callable[[Admin, Data], Command]:
    return lambda packet, data: Administer(packet.id, change(Pattern(packet.topic)))


def _changing_for(change: Callable[[Pattern, str], Change]) -> Callable[[Admin, Data], Command]:
    def read(packet: Admin, data: Data) -> Command:
        cid = data.get("cid")
        if not isinstance(cid, str):
            raise _wrong("cid")
        return Administer(packet.id, change(Pattern(packet.topic), component_of(cid)))

    return read


def _looking(view: View) -> Callable[[Admin, Data], Command]:
    return lambda packet, data: Inspect(packet.id, view)


COMMANDS: Mapping[str, Callable[[Admin, Data], Command]] = {
    "subscribe": _subscribe,
    "unsubscribe": lambda packet, data: Unsubscribe(packet.id, packet.topic),
    "expose": lambda packet, data: Expose(packet.id, packet.topic),
    "unexpose": lambda packet, data: Unexpose(packet.id, packet.topic),
    "reactive": _react,
    "setup": _set_up,
    "private_topic": _changing(PrivateTopic),
    "public_topic": _changing(PublicTopic),
    "authorize": _changing_for(Authorize),
    "unauthorize": _changing_for(Unauthorize),
    "private_topics_config": _looking(View.RIGHTS),
    "broker_config": _looking(View.TOPICS),
    # What they are to do is done whenever something changes.
    "load_config": _looking(View.RIGHTS),
    "save_config": _looking(View.RIGHTS),
}
"""All commands, by their names."""

_SHAPES: Mapping[str, Callable[[Any], object]] = {
    "private_topics_config": private_topics_config,
    "broker_config": broker_config,
}


def _seconds(nanoseconds: object) -> float:
    """Return a time span in seconds; infinity stays infinity."""
    if not isinstance(nanoseconds, int | float) or isinstance(nanoseconds, bool) or not nanoseconds >= 0:
        raise _wrong("msg_from")
    try:
        return nanoseconds * _NANOSECOND
    except OverflowError:
        return LAST_RECEIVED


def _texts(data: Data, key: str) -> tuple[str, ...]:
    found = data.get(key, [])
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise _wrong(key)
    return tuple(dict.fromkeys(found))


def _called(identity: Identity) -> str:
    return identity.component or "anonymous"


def _wrong(key: str) -> Malformed:
    return Malformed(Reason.BAD_MESSAGE, f"{key} is missing or wrong")
