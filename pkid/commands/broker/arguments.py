"""What stands behind the names of the broker's commands: topics, subjects, verbs, names."""

from __future__ import annotations

from pkid.broker.rules import Subject, Verb
from pkid.broker.topic import Pattern
from pkid.ca.names import is_component
from pkid.commands.command import Argument

__all__ = ["COMPONENT", "ROLE", "TOPIC", "VERB", "VERBS", "WHO", "read_component", "read_verb"]

_VERBS = tuple(verb.value for verb in Verb)


def read_component(word: str) -> str:
    """Read the name of a component, or of a role.

    :raises ValueError: when it can be none.
    """
    if not is_component(word):
        raise ValueError(f"expected a component's name: letters, digits, '.', '_', '-', up to 128; not {word[:140]!r}")
    return word


def read_verb(word: str) -> Verb:
    """Read what may be done on a topic.

    :raises ValueError: when it is something else.
    """
    if word not in _VERBS:
        raise ValueError(f"expected one of {', '.join(_VERBS)}, not {word[:64]!r}")
    return Verb(word)


def _read_verbs(word: str) -> frozenset[Verb]:
    try:
        return frozenset(map(Verb, _VERBS if word == "all" else word.split(",")))
    except ValueError:
        raise ValueError(f"expected {', '.join(_VERBS)}, with commas between, or all; not {word[:64]!r}") from None


TOPIC = Argument(
    name="topic", info="the topic, or a pattern: * is one segment, ** is any number", read=Pattern, required=True
)
COMPONENT = Argument(name="component", info="the component's name", read=read_component, required=True)
ROLE = Argument(name="role", info="the role; admin makes an admin", read=read_component, required=True)
WHO = Argument(
    name="who", info="a component, a pattern as web-*, role:NAME, or * for everybody", read=Subject, required=True
)
VERB = Argument(name="verb", info=f"one of {', '.join(_VERBS)}", read=read_verb, required=True, suggestions=_VERBS)
VERBS = Argument(
    name="verbs",
    info=f"{', '.join(_VERBS)}, with commas between, or all",
    read=_read_verbs,
    required=True,
    suggestions=("all", *_VERBS),
)
