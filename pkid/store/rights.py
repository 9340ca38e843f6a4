"""The broker's rights in SQL, and the trail of what was changed of them, by whom and when.

What a change means is decided by `pkid.broker.changes`; here is only where it is written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select

from pkid.broker.changes import Change, changes_to
from pkid.broker.rules import Access, Rule, Subject, Verb
from pkid.broker.topic import Pattern
from pkid.store.schema import changes, members, rules, visibility

__all__ = ["SQLRights", "commit_change", "load_rights", "note_change"]


class SQLRights:
    """A :class:`pkid.broker.changes.ChangeableRights` on a connection whose transaction is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def set_private(self, topic: Pattern, private: bool) -> None:
        """Make a topic, or all that a pattern means, private or public."""
        self._connection.execute(delete(visibility).where(visibility.c.topic == topic.text))
        self._connection.execute(insert(visibility).values(topic=topic.text, private=private))

    def add(self, rule: Rule) -> None:
        """Add a rule, if it is not there."""
        self.remove(rule)
        self._connection.execute(insert(rules).values(_row(rule)))

    def remove(self, rule: Rule) -> None:
        """Remove a rule, if it is there."""
        self._connection.execute(delete(rules).where(*(rules.c[name] == value for name, value in _row(rule).items())))

    def grants(self, topic: Pattern) -> list[Rule]:
        """Return what is granted on exactly this topic or pattern."""
        granted = rules.c.topic == topic.text, rules.c.access == Access.GRANT.value
        return [_rule(row) for row in self._connection.execute(select(rules).where(*granted))]

    def assign(self, component: str, role: str) -> None:
        """Give a component a role."""
        self.withdraw(component, role)
        self._connection.execute(insert(members).values(component=component, role=role))

    def withdraw(self, component: str, role: str) -> None:
        """Take a role from a component."""
        self._connection.execute(delete(members).where(_is_member(component, role)))

    def visibility(self) -> Iterator[tuple[Pattern, bool]]:
        """Yield every topic and pattern that was made private (``True``) or public (``False``)."""
        found = self._connection.execute(select(visibility).order_by(visibility.c.topic))
        yield from ((Pattern(row.topic), row.private) for row in found)

    def rules(self) -> Iterator[Rule]:
        """Yield every rule."""
        yield from map(_rule, self._connection.execute(select(rules).order_by(*rules.primary_key)))

    def members(self) -> Iterator[tuple[str, str]]:
        """Yield every component with a role, and the role."""
        found = self._connection.execute(select(members).order_by(*members.primary_key))
        yield from ((row.component, row.role) for row in found)


def load_rights(connection: Connection) -> tuple[Change, ...]:
    """Return the changes that make fresh rights the stored ones.

    :raises Refused: when a row holds what can be no right.
    """
    return tuple(changes_to(SQLRights(connection)))


def commit_change(connection: Connection, change: Change, made_by: str, made_at: datetime) -> None:
    """Make a change of the stored rights, and add it to the trail.

    :param made_by: who asked for it, as the trail is to tell.
    :param made_at: aware UTC.
    """
    change.apply(SQLRights(connection))
    note_change(connection, str(change), made_by, made_at)


def note_change(connection: Connection, change: str, made_by: str, made_at: datetime) -> None:
    """Add a line to the trail."""
    connection.execute(insert(changes).values(made_at=made_at, made_by=made_by, change=change))


def _is_member(component: str, role: str) -> ColumnElement[bool]:
    return and_(members.c.component == component, members.c.role == role)


def _row(rule: Rule) -> dict[str, str]:
    verbs = ",".join(verb.value for verb in Verb if verb in rule.verbs)
    return {"topic": rule.topic.text, "subject": rule.subject.text, "access": rule.access.value, "verbs": verbs}


def _rule(row: Row[tuple[str, str, str, str]]) -> Rule:
    verbs = frozenset(Verb(verb) for verb in row.verbs.split(",") if verb)
    return Rule(Access(row.access), verbs, Pattern(row.topic), Subject(row.subject))
