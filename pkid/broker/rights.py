"""The rights: which topics are private, and what the rules say of them.

A topic is public unless it, or a pattern that means it, was made private, or private is the default. What a rule denies
stays denied, whatever grants it. A grant counts only for a name that was proven.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from pkid.broker.identity import Identity
from pkid.broker.index import PatternIndex
from pkid.broker.rules import Access, Basis, Decision, Rule, Verb
from pkid.broker.topic import Pattern, Segments
from pkid.errors import Reason, Refused

__all__ = ["ADMIN", "Rights", "TopicRights"]

ADMIN = "admin"
"""The role whose members are admins."""

_MOST_TOPICS = 4096  # whose rights are remembered
_MOST_SHARED = 1 << 14  # sets of patterns, for which one decision holds on all topics that they mean
_MOST_DECISIONS = 1 << 16  # about all topics together: names and topics are whatever strangers say


class TopicRights:
    """What holds on one topic, and on all others that the same patterns mean, until rights change.

    :param rules: the rules about the topic, those that name it first.
    :param decided: what is remembered of all topics.
    :ivar always: what holds for everybody and every verb, where there are no rules.
    """

    def __init__(
        self, private: bool, rules: Iterable[Rule], roles: Mapping[str, Collection[str]], decided: _Decisions
    ) -> None:
        self.is_private = private
        self._roles = roles
        self._by_name: dict[str, list[tuple[int, Rule]]] = {}
        self._others: list[tuple[int, Rule]] = []
        self._decided = decided
        for place, rule in enumerate(rules):
            if rule.subject.is_component:
                self._by_name.setdefault(rule.subject.text, []).append((place, rule))
            else:
                self._others.append((place, rule))
        self.always = None if self._by_name or self._others else _CLOSED if private else _OPEN

    @property
    def rules(self) -> list[Rule]:
        """The rules about the topic, those that name it first."""
        named = (entry for entries in self._by_name.values() for entry in entries)
        return [rule for _, rule in sorted([*named, *self._others], key=_place)]

    def explain(self, identity: Identity, verb: Verb) -> Decision:
        """Decide whether somebody may do something, and tell what the decision rests on."""
        if self.always is not None:
            return self.always
        asked = self, identity.component, identity.authenticated, verb
        decision = self._decided.get(asked)
        if decision is None:
            if len(self._decided) >= _MOST_DECISIONS:
                self._decided.clear()
            decision = self._decided[asked] = self._decide(identity, verb)
        return decision

    def check(self, identity: Identity, verb: Verb) -> None:
        """Check a right.

        :raises Refused: ``forbidden``.
        """
        decision = self.explain(identity, verb)
        if not decision.allowed:
            raise Refused(Reason.FORBIDDEN, decision.basis.value)

    def _decide(self, identity: Identity, verb: Verb) -> Decision:
        concerned = self._about(identity, verb)
        denial = next((rule for rule in concerned if rule.access is Access.DENY), None)
        if denial is not None:
            return Decision(False, Basis.DENIED, denial)
        if not self.is_private:
            return _OPEN
        if not concerned or identity.component is None:
            return _CLOSED
        return Decision(identity.authenticated, _GRANTED[identity.authenticated], concerned[0])

    def _about(self, identity: Identity, verb: Verb) -> list[Rule]:
        name = identity.component or ""
        named = self._by_name.get(name, ())
        if not named and not self._others:
            return []
        roles = self._roles.get(name, ())
        others = [entry for entry in self._others if entry[1].subject.covers(identity.component, roles)]
        return [rule for _, rule in sorted([*named, *others], key=_place) if verb in rule.verbs]


_Decisions = dict[tuple[TopicRights, str | None, bool, Verb], Decision]

_OPEN = Decision(True, Basis.PUBLIC)
_CLOSED = Decision(False, Basis.PRIVATE)
_GRANTED = {True: Basis.GRANTED, False: Basis.UNPROVEN}


def _place(entry: tuple[int, Rule]) -> int:
    return entry[0]


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
        self._granted: dict[str, int] = {}  # by subject, how much is granted to it
        self._roles: dict[str, set[str]] = {}
        self._topics: dict[Segments, TopicRights] = {}  # until the next change, as the next two
        self._shared: dict[tuple[str, ...], TopicRights] = {}
        self._decided: _Decisions = {}

    def on(self, topic: Segments) -> TopicRights:
        """Return what holds on one topic."""
        known = self._topics.get(topic)
        if known is None:
            if len(self._topics) >= _MOST_TOPICS:
                self._topics.clear()
            known = self._topics[topic] = self._survey(topic)
        return known

    def allows(self, identity: Identity, verb: Verb, topic: Segments) -> bool:
        """Tell whether somebody may do something on a topic, now.

        A pattern is judged as if it were a topic; what it carries is judged message by message.
        """
        return self.explain(identity, verb, topic).allowed

    def explain(self, identity: Identity, verb: Verb, topic: Segments) -> Decision:
        """Decide, and tell what the decision rests on."""
        return self.on(topic).explain(identity, verb)

    def is_private(self, topic: Segments) -> bool:
        """Tell whether a topic is private: what was said of it by name counts before what was said by a pattern."""
        if self._visibility.is_empty:
            return self._default
        said = self._visibility.at(topic) or [private for _, found in self._visibility.find(topic) for private in found]
        return any(said) if said else self._default

    def roles(self, component: str | None) -> frozenset[str]:
        """Return the roles of a component."""
        return frozenset(self._roles.get(component or "", ()))

    def is_admin(self, identity: Identity) -> bool:
        """Tell whether somebody may change rights."""
        return identity.authenticated and ADMIN in self.roles(identity.component)

    def names(self, component: str) -> bool:
        """Tell whether a component has a role or is granted something by name, so that its name is worth stealing."""
        return component in self._roles or component in self._granted

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
        self._changed()

    def add(self, rule: Rule) -> None:
        """Add a rule."""
        if self._rules.add(rule.topic, rule) and rule.access is Access.GRANT:
            self._granted[rule.subject.text] = self._granted.get(rule.subject.text, 0) + 1
        self._changed()

    def remove(self, rule: Rule) -> None:
        """Remove a rule."""
        if self._rules.discard(rule.topic, rule) and rule.access is Access.GRANT:
            self._granted[rule.subject.text] -= 1
            if not self._granted[rule.subject.text]:
                del self._granted[rule.subject.text]
        self._changed()

    def grants(self, topic: Pattern) -> list[Rule]:
        """Return what is granted on exactly this topic or pattern."""
        return [rule for rule in self._rules.at(topic.segments) if rule.access is Access.GRANT]

    def assign(self, component: str, role: str) -> None:
        """Give a component a role."""
        self._roles.setdefault(component, set()).add(role)
        self._changed()

    def withdraw(self, component: str, role: str) -> None:
        """Take a role from a component."""
        self._roles.get(component, set()).discard(role)
        if not self._roles.get(component, True):
            del self._roles[component]
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._forget()

    def _forget(self) -> None:
        self._topics.clear()
        self._shared.clear()
        self._decided.clear()

    def _survey(self, topic: Segments) -> TopicRights:
        private, patterns = self.is_private(topic), self._rules.matching(topic)
        concerned = str(private), *[pattern.text for pattern in patterns]
        known = self._shared.get(concerned)
        if known is None:
            if len(self._shared) >= _MOST_SHARED:
                self._shared.clear()
            patterns.sort(key=lambda pattern: (not pattern.is_literal, pattern.text))
            rules = [rule for pattern in patterns for rule in self._rules.at(pattern.segments)]
            known = self._shared[concerned] = TopicRights(private, rules, self._roles, self._decided)
        return known
