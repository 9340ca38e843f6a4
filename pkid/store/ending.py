"""Counts names by when the last certificate of each ends, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from pkid.ca.profile import Purpose
from pkid.store.conditions import Unindexed
from pkid.store.schema import certificates

__all__ = ["count_ending_names"]

_LAST = (
    select(func.max(certificates.c.not_after, type_=certificates.c.not_after.type).label("end"))
    # Nearly all are components', so the index by profile would only lead to each in turn.
    .where(Unindexed(certificates.c.profile == Purpose.COMPONENT.value))
    .group_by(certificates.c.name)
    .subquery()
)


def count_ending_names(connection: Connection, spans: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """Count the components' names whose last certificate ends within each span, both ends of it included.

    Certificates of one name are one another's successors, whoever asked for them. Reads an index from end to end: with
    a million certificates, for up to a second.

    :param spans: instants, aware UTC, the earlier one first.
    """
    counts = (func.count(case((_LAST.c.end.between(begin, end), 1))) for begin, end in spans)
    return list(connection.execute(select(*counts).select_from(_LAST)).one())
