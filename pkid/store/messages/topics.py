"""Which topics a recall is about, found among those that have messages: mostly far fewer than there are messages."""

from __future__ import annotations

from sqlalchemy import Connection, Text, bindparam, func, select

from pkid.broker.kept import Selection
from pkid.store.messages.schema import messages

__all__ = ["topics_of"]

_MOST_TOPICS = 20_000  # that are looked at; some ten milliseconds
_MOST_LOOKED_UP = 500  # in one statement
_SPARSE = 10  # of so many topics at most one is wanted, else it is quicker to look at every message

_TENANT = bindparam("tenant", type_=Text)
_FIRST = select(func.min(messages.c.topic).label("topic")).where(messages.c.tenant == _TENANT).cte(recursive=True)
_NEXT = (
    select(func.min(messages.c.topic))
    .where(messages.c.tenant == _TENANT, messages.c.topic > _FIRST.c.topic)
    .scalar_subquery()
)
_ALL = _FIRST.union_all(select(_NEXT).where(_FIRST.c.topic.is_not(None)))
_TOPICS = select(_ALL.c.topic).where(_ALL.c.topic.is_not(None)).limit(_MOST_TOPICS + 1)
"""One seek in the index for each topic (https://wiki.postgresql.org/wiki/Loose_indexscan)."""


def topics_of(connection: Connection, tenant: str, selection: Selection) -> tuple[str, ...] | None:
    """Return the topics whose messages are to be looked at; ``None`` when every message is."""
    if selection.topics is not None:
        return selection.topics if len(selection.topics) <= _MOST_LOOKED_UP else None
    known = connection.execute(_TOPICS, {"tenant": tenant}).scalars().all()
    if len(known) > _MOST_TOPICS:
        return None
    wanted = tuple(filter(selection.names, known))
    few = len(wanted) <= min(_MOST_LOOKED_UP, max(1, len(known) // _SPARSE))
    return wanted if few else None
