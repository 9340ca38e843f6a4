"""The lists beside the keys: who is an admin, which tenants there are, which topics are private and for whom. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pkid.auth.pins import PlainPin
from pkid.broker.changes import AssignRole, Authorize, Change, PrivateTopic, Unauthorize, WithdrawRole
from pkid.broker.identity import DEFAULT_TENANT
from pkid.broker.rights import ADMIN
from pkid.broker.topic import Pattern
from pkid.ca.names import is_component
from pkid.errors import Refused, Unusable

__all__ = ["Lists", "changes_between", "read_admins", "read_tenants", "read_topics"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lists:
    """What the lists say.

    :ivar admins: components that are admins.
    :ivar tenants: the tenants, each with its PIN; the default one as ``.``.
    :ivar topics: private topics, each with the components that may use it.
    """

    admins: frozenset[str] = frozenset()
    tenants: Mapping[str, PlainPin] = field(default_factory=dict, repr=False)
    topics: Mapping[Pattern, frozenset[str]] = field(default_factory=dict)


def changes_between(before: Lists, now: Lists) -> Iterator[Change]:
    """Yield the changes of rights that lead from one state of the lists to another.

    A topic that stands in the list no longer stays private: only who may use it by the list changes.
    """
    yield from (WithdrawRole(name, ADMIN) for name in sorted(before.admins - now.admins))
    for topic, names in before.topics.items():
        yield from (Unauthorize(topic, name) for name in sorted(names - now.topics.get(topic, frozenset())))
    for topic, names in now.topics.items():
        if topic not in before.topics:
            yield PrivateTopic(topic)
        yield from (Authorize(topic, name) for name in sorted(names - before.topics.get(topic, frozenset())))
    yield from (AssignRole(name, ADMIN) for name in sorted(now.admins - before.admins))


def read_admins(content: bytes) -> frozenset[str]:
    """Read ``admins.json``: a list of names.

    :raises Unusable: when it is anything else.
    """
    return frozenset(_names(_parse(content)))


def read_tenants(content: bytes) -> dict[str, PlainPin]:
    """Read ``tenants.json``: an object of tenants and their PINs.

    :raises Unusable: when it is anything else.
    """
    return {_tenant(name): PlainPin(_text(pin)) for name, pin in _object(_parse(content))}


def read_topics(content: bytes) -> dict[Pattern, frozenset[str]]:
    """Read ``topic_auth.json``: an object of private topics and the names of those who may use them.

    :raises Unusable: when it is anything else.
    """
    return {_topic(topic): frozenset(_names(names)) for topic, names in _object(_parse(content))}


def _parse(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Unusable("is not JSON", "mend it") from None


def _object(value: object) -> Iterable[tuple[str, object]]:
    if not isinstance(value, dict):
        raise Unusable("is not a JSON object", "mend it")
    return value.items()


def _names(value: object) -> list[str]:
    if not isinstance(value, list):
        raise Unusable("holds no list of names where one must be", "mend it")
    return [_checked(name, is_component) for name in value]


def _tenant(name: str) -> str:
    return name if name == DEFAULT_TENANT else _checked(name, is_component)


def _checked(name: object, check: Callable[[str], bool]) -> str:
    if not isinstance(name, str) or not check(name):
        raise Unusable(f"holds {ascii(name)[:140]}, which is no name", "use letters, digits, '.', '_' and '-'")
    return name


def _text(pin: object) -> str:
    if not isinstance(pin, str) or not pin:
        raise Unusable("holds a PIN that is no text", "write PINs in quotation marks")
    return pin


def _topic(text: str) -> Pattern:
    try:
        return Pattern(text)
    except Refused as refused:
        raise Unusable(f"holds what is no topic: {refused}", "mend it") from None
