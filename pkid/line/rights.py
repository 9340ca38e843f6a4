"""Changes of the rights, as verbs and words."""

from __future__ import annotations

from collections.abc import Callable

from pkid.broker.changes import (
    AddRule,
    AssignRole,
    Authorize,
    Change,
    PrivateTopic,
    PublicTopic,
    RemoveRule,
    Unauthorize,
    WithdrawRole,
)
from pkid.broker.rules import Access, Rule, Subject, Verb
from pkid.broker.topic import Pattern

__all__ = ["CHANGES", "read_verbs", "write_change"]


def read_verbs(text: str) -> frozenset[Verb]:
    """Read verbs that are joined by commas.

    :raises ValueError: when one of them is none.
    """
    return frozenset(map(Verb, text.split(",")))


def _rule(access: Access, verbs: str, topic: str, subject: str) -> Rule:
    return Rule(access, read_verbs(verbs), Pattern(topic), Subject(subject))


CHANGES: dict[str, tuple[int, Callable[..., Change]]] = {
    "PRIVATE_TOPIC": (1, lambda topic: PrivateTopic(Pattern(topic))),
    "PUBLIC_TOPIC": (1, lambda topic: PublicTopic(Pattern(topic))),
    "AUTHORIZE": (2, lambda component, topic: Authorize(Pattern(topic), component)),
    "UNAUTHORIZE": (2, lambda component, topic: Unauthorize(Pattern(topic), component)),
    "GRANT": (3, lambda *words: AddRule(_rule(Access.GRANT, *words))),
    "UNGRANT": (3, lambda *words: RemoveRule(_rule(Access.GRANT, *words))),
    "DENY": (3, lambda *words: AddRule(_rule(Access.DENY, *words))),
    "UNDENY": (3, lambda *words: RemoveRule(_rule(Access.DENY, *words))),
    "ASSIGN": (2, AssignRole),
    "WITHDRAW": (2, WithdrawRole),
}
"""How many words each verb has, and the change that they make."""


def write_change(change: Change) -> tuple[str, ...]:
    """Return the verb and the words of a change.

    :raises ValueError: for a change that no verb makes.
    """
    match change:
        case PrivateTopic(topic):
            return "PRIVATE_TOPIC", topic.text
        case PublicTopic(topic):
            return "PUBLIC_TOPIC", topic.text
        case Authorize(topic, component):
            return "AUTHORIZE", component, topic.text
        case Unauthorize(topic, component):
            return "UNAUTHORIZE", component, topic.text
        case AddRule(rule):
            return _write_rule("", rule)
        case RemoveRule(rule):
            return _write_rule("UN", rule)
        case AssignRole(component, role):
            return "ASSIGN", component, role
        case WithdrawRole(component, role):
            return "WITHDRAW", component, role
    raise ValueError(f"no verb makes the change {change}")


def _write_rule(undo: str, rule: Rule) -> tuple[str, ...]:
    verbs = ",".join(verb.value for verb in Verb if verb in rule.verbs)
    return f"{undo}{rule.access.value.upper()}", verbs, rule.topic.text, rule.subject.text
