"""The rights: which topics are private, and what the rules say of them.

A topic is public unless it, or a pattern that means it, was made private, or private is the default. What a rule denies
stays denied, whatever grants it. A grant counts only for a name that was proven.
"""

from __future__ import annotations

from collections.abc import Iterator

from pkid.broker.identity import Identity
from pkid.broker.index import PatternIndex
from pkid.broker.rules import Access, Basis, Decision, Rule, Verb
from pkid.broker.topic import SEPARATOR, Pattern, Segments

__all__ = ["ADMIN", "Rights"]

ADMIN = "admin"
"""The role whose members are admins."""


class Rights:
    """Decides who may do what.

    :param private_by_default: whether a topic of which nobody said anything is private.
    :ivar version: grows with every change, so that what was decided before can be told from what holds now.
    """

    def __init__(self, private_by_default: bool = False) -> None:
        self.version = 0
        self._default = private_by_default
        self._visibility: PatternIndex[bool] = PatternIndex(verbatim=False)  # True: private
        self._rules: PatternIndex[Rule] = PatternIndex(verbatim=False)
        self._roles: dict[str, set[str]] = {}

    def allows(self, identity: Identity, verb: Verb, topic: Segments) -> bool:
        """Tell whether somebody may do something on a topic, now.

        A pattern is judged as if it were a topic; what it carries is judged message by message.
        """
        return self.explain(identity, verb, topic).allowed

    def explain(self, identity: Identity, verb: Verb, topic: Segments) -> Decision:
        """Decide, and tell what the decision rests on."""
        roles = self.roles(identity.component)
        concerned = [
            r for r in self.rules_for(topic) if verb in r.verbs and r.subject.covers(identity.component, roles)
        ]
        denial = next((rule for rule in concerned if rule.access is Access.DENY), None)
        if denial is not None:
            return Decision(False, Basis.DENIED, denial)
        if not self.is_private(topic):
            return Decision(True, Basis.PUBLIC)
        if not concerned or identity.component is None:
            return Decision(False, Basis.PRIVATE)
        if not identity.authenticated:
            return Decision(False, Basis.UNPROVEN, concerned[0])
        return Decision(True, Basis.GRANTED, concerned[0])

    def rules_for(self, topic: Segments) -> list[Rule]:
        """Return the rules that are about a topic, those that name it first."""
        found = sorted(self._rules.find(topic), key=lambda hit: (not hit[0].is_literal, hit[0].text))
        return [rule for _, rules in found for rule in rules]

    def is_private(self, topic: Segments) -> bool:
        """Tell whether a topic is private: what was said of it by name counts before what was said by a pattern."""
        by_name = self._visibility.at(Pattern(SEPARATOR.join(topic)))
        said = by_name or [private for _, found in self._visibility.find(topic) for private in found]
        return any(said) if said else self._default

    def roles(self, component: str | None) -> frozenset[str]:
        """Return the roles of a component."""
        return frozenset(self._roles.get(component or "", ()))

    def is_admin(self, identity: Identity) -> bool:
        """Tell whether somebody may change rights."""
        return identity.authenticated and ADMIN in self.roles(identity.component)

    def names(self, component: str) -> bool:
        """Tell whether a component has a role or is granted something by name, so that its name is worth stealing."""
        granted = (rule for _, rule in self._rules if rule.access is Access.GRANT)
        return component in self._roles or any(rule.subject.text == component for rule in granted)

    def visibility(self) -> Iterator[tuple[Pattern, bool]]:
        """Yield every topic and pattern that was made private (``True``) or public (``False``)."""
        yield from self._visibility

    def rules(self) -> Iterator[Rule]:
        """Yield every rule."""
        yield from (rule for _, rule in self._rules)

    def members(self) -> Iterator[tuple[str, str]]:
        """Yield every component with a role, and the role."""
        yield from ((component, role) for component, roles in self._roles.items() for role in sorted(roles))

    # Changes: `pkid.broker.changes` gives them their names.

    def set_private(self, topic: Pattern, private: bool) -> None:
        """Make a topic, or all that a pattern means, private or public."""
        self._visibility.discard(topic, not private)
        self._visibility.add(topic, private)
        self.version += 1

    def add(self, rule: Rule) -> None:
        """Add a rule."""
        self._rules.add(rule.topic, rule)
        self.version += 1

    def remove(self, rule: Rule) -> None:
        """Remove a rule."""
        self._rules.discard(rule.topic, rule)
        self.version += 1

    def grants(self, topic: Pattern) -> list[Rule]:
        """Return what is granted on exactly this topic or pattern."""
        return [rule for rule in self._rules.at(topic) if rule.access is Access.GRANT]

    def assign(self, component: str, role: str) -> None:
        """Give a component a role."""
        self._roles.setdefault(component, set()).add(role)
        self.version += 1

    def withdraw(self, component: str, role: str) -> None:
        """Take a role from a component."""
        self._roles.get(component, set()).discard(role)
        if not self._roles.get(component, True):
            del self._roles[component]
        self.version += 1
