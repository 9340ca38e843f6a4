"""Changes of the rights as values: what an admin asks for, what the store keeps, and what the trail tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pkid.broker.rules import ALL_VERBS, Access, Rule, Subject
from pkid.broker.topic import Pattern
from pkid.ca.names import is_component
from pkid.errors import Reason, Refused

__all__ = [
    "AddRule",
    "AssignRole",
    "Authorize",
    "Change",
    "ChangeableRights",
    "PrivateTopic",
    "PublicTopic",
    "RemoveRule",
    "Unauthorize",
    "WithdrawRole",
    "changes_to",
    "named_by",
]


class ChangeableRights(Protocol):
    """What changes are made to: rights in memory, or where they are stored."""

    def set_private(self, topic: Pattern, private: bool) -> None:
        """Make a topic, or all that a pattern means, private or public."""

    def add(self, rule: Rule) -> None:
        """Add a rule, if it is not there."""

    def remove(self, rule: Rule) -> None:
        """Remove a rule, if it is there."""

    def grants(self, topic: Pattern) -> Iterable[Rule]:
        """Return what is granted on exactly this topic or pattern."""

    def assign(self, component: str, role: str) -> None:
        """Give a component a role."""

    def withdraw(self, component: str, role: str) -> None:
        """Take a role from a component."""

    def visibility(self) -> Iterable[tuple[Pattern, bool]]:
        """Return every topic and pattern that was made private (``True``) or public (``False``)."""

    def rules(self) -> Iterable[Rule]:
        """Return every rule."""

    def members(self) -> Iterable[tuple[str, str]]:
        """Return every component with a role, and the role."""


class Change(Protocol):
    """One change of the rights; making it twice is making it once. As a text, it can stand in a trail."""

    def apply(self, rights: ChangeableRights) -> None:
        """Make the change."""


@dataclass(frozen=True, slots=True)
class PrivateTopic:
    """Only those who are granted something may use the topic from now on."""

    topic: Pattern

    def __str__(self) -> str:
        return f"private-topic {self.topic}"

    def apply(self, rights: ChangeableRights) -> None:
        """Make the topic private."""
        rights.set_private(self.topic, True)


@dataclass(frozen=True, slots=True)
class PublicTopic:
    """Everybody may use the topic from now on; what was granted on it is forgotten, what is denied is not."""

    topic: Pattern

    def __str__(self) -> str:
        return f"public-topic {self.topic}"

    def apply(self, rights: ChangeableRights) -> None:
        """Make the topic public."""
        rights.set_private(self.topic, False)
        for rule in rights.grants(self.topic):
            rights.remove(rule)


@dataclass(frozen=True, slots=True)
class Authorize:
    """A component may do everything on the topic, which becomes private if it was public.

    :raises Refused: ``bad-name`` when it is not a component's name.
    """

    topic: Pattern
    component: str

    def __post_init__(self) -> None:
        _check_component(self.component)

    def __str__(self) -> str:
        return f"authorize {self.topic} {self.component}"

    def apply(self, rights: ChangeableRights) -> None:
        """Make the topic private and grant it."""
        rights.set_private(self.topic, True)
        rights.add(Rule(Access.GRANT, ALL_VERBS, self.topic, Subject(self.component)))


@dataclass(frozen=True, slots=True)
class Unauthorize:
    """What a component was granted on the topic by name is taken back.

    :raises Refused: ``bad-name`` when it is not a component's name.
    """

    topic: Pattern
    component: str

    def __post_init__(self) -> None:
        _check_component(self.component)

    def __str__(self) -> str:
        return f"unauthorize {self.topic} {self.component}"

    def apply(self, rights: ChangeableRights) -> None:
        """Take the grants back."""
        for rule in rights.grants(self.topic):
            if rule.subject.text == self.component:
                rights.remove(rule)


@dataclass(frozen=True, slots=True)
class AddRule:
    """A rule holds from now on."""

    rule: Rule

    def __str__(self) -> str:
        return f"add-rule {self.rule}"

    def apply(self, rights: ChangeableRights) -> None:
        """Add the rule."""
        rights.add(self.rule)


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """A rule holds no longer."""

    rule: Rule

    def __str__(self) -> str:
        return f"remove-rule {self.rule}"

    def apply(self, rights: ChangeableRights) -> None:
        """Remove the rule."""
        rights.remove(self.rule)


@dataclass(frozen=True, slots=True)
class AssignRole:
    """A component has a role; the role ``admin`` makes it an admin.

    :raises Refused: ``bad-name`` when component or role cannot be a name.
    """

    component: str
    role: str

    def __post_init__(self) -> None:
        _check_component(self.component)
        _check_component(self.role)

    def __str__(self) -> str:
        return f"assign-role {self.component} {self.role}"

    def apply(self, rights: ChangeableRights) -> None:
        """Give the role."""
        rights.assign(self.component, self.role)


@dataclass(frozen=True, slots=True)
class WithdrawRole:
    """A component no longer has a role."""

    component: str
    role: str

    def __str__(self) -> str:
        return f"withdraw-role {self.component} {self.role}"

    def apply(self, rights: ChangeableRights) -> None:
        """Take the role."""
        rights.withdraw(self.component, self.role)


def changes_to(rights: ChangeableRights) -> Iterator[Change]:
    """Yield changes that make fresh rights the same as these, for a store that keeps their state."""
    for topic, private in rights.visibility():
        yield PrivateTopic(topic) if private else PublicTopic(topic)
    for rule in rights.rules():
        yield AddRule(rule)
    for component, role in rights.members():
        yield AssignRole(component, role)


def named_by(change: Change) -> str | None:
    """Return the component to which a change gives something by name, if it is such a change."""
    match change:
        case Authorize(component=name) | AssignRole(component=name):
            return name
        case AddRule(rule=rule) if rule.subject.is_component:
            return rule.subject.text
    return None


def _check_component(name: str) -> None:
    if not is_component(name):
        raise Refused(Reason.BAD_NAME, ascii(name[:140]))
