"""Single rules: who may, or may not, do what on which topics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum

from pkid.broker.topic import Pattern
from pkid.ca.patterns import ComponentPattern
from pkid.errors import Reason, Refused

__all__ = ["ALL_VERBS", "Access", "Basis", "Decision", "Rule", "Subject", "Verb"]

_ROLE = "role:"
_EVERYBODY = "*"
_MOST_SHOWN = 140  # characters of a refused text that an error repeats


class Verb(Enum):
    """What may be done on a topic; who may expose or subscribe may undo it as well."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"
    EXPOSE = "expose"
    RPC = "rpc"


ALL_VERBS = frozenset(Verb)


class Access(Enum):
    """What a rule says."""

    GRANT = "grant"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a rule is about: a component, components by a pattern (``web-*``), or those with a role (``role:NAME``).

    :raises Refused: ``bad-subject`` when the text is none of these.
    """

    text: str
    _pattern: ComponentPattern = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "_pattern", ComponentPattern(self.text.removeprefix(_ROLE)))
        except Refused:
            raise Refused(Reason.BAD_SUBJECT, ascii(self.text[:_MOST_SHOWN])) from None
        if self.is_role and not self._pattern.is_literal:
            raise Refused(Reason.BAD_SUBJECT, ascii(self.text[:_MOST_SHOWN]))

    def __str__(self) -> str:
        return self.text

    @property
    def is_role(self) -> bool:
        """Whether it means a role."""
        return self.text.startswith(_ROLE)

    @property
    def is_component(self) -> bool:
        """Whether it means one component, by name."""
        return not self.is_role and self._pattern.is_literal

    def covers(self, component: str | None, roles: Collection[str]) -> bool:
        """Tell whether a component with these roles is meant; ``*`` means those without a name too."""
        if self.is_role:
            return self.text.removeprefix(_ROLE) in roles
        return self.text == _EVERYBODY or (component is not None and self._pattern.covers(component))


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the rights."""

    access: Access
    verbs: frozenset[Verb]
    topic: Pattern
    subject: Subject

    def __str__(self) -> str:
        verbs = ",".join(verb.value for verb in Verb if verb in self.verbs)
        return f"{self.access.value} {verbs} {self.topic} {self.subject}"


class Basis(Enum):
    """What a decision rests on."""

    DENIED = "a rule denies it"
    PUBLIC = "the topic is public"
    GRANTED = "a rule grants it"
    UNPROVEN = "a rule grants it to this name, but the name was not proven"
    PRIVATE = "the topic is private, and no rule grants it"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may do something, and why."""

    allowed: bool
    basis: Basis
    rule: Rule | None = None
    """The rule that decides; ``None`` when it is the topic's visibility."""

    def __str__(self) -> str:
        return f"{'yes' if self.allowed else 'no'}: {self.basis.value}" + (f" ({self.rule})" if self.rule else "")
