"""The tenants that an admin declared, in SQL, each change of them with a line in the trail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from pkid.store.rights import note_change
from pkid.store.schema import tenants

__all__ = ["SQLTenants"]


class SQLTenants:
    """The stored tenants, on a connection whose transaction is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Mapping[str, bytes | None]:
        """Return the tenants, each with what its PIN is checked against, if it has one."""
        return {row.name: row.pin for row in self._connection.execute(select(tenants).order_by(tenants.c.name))}

    def declare(self, name: str, pin: bytes | None, by: str, at: datetime) -> None:
        """Declare a tenant, or give it another PIN.

        :param pin: what the PIN is checked against, never the PIN.
        :param by: who wants it, as the trail is to tell.
        :param at: aware UTC.
        """
        self._remove(name)
        self._connection.execute(insert(tenants).values(name=name, pin=pin, declared=at, declared_by=by))
        note_change(self._connection, f"declare-tenant {name}", by, at)

    def withdraw(self, name: str, by: str, at: datetime) -> bool:
        """Have a tenant no longer, and tell whether there was one."""
        was_there = self._remove(name)
        if was_there:
            note_change(self._connection, f"withdraw-tenant {name}", by, at)
        return was_there

    def _remove(self, name: str) -> bool:
        return self._connection.execute(delete(tenants).where(tenants.c.name == name)).rowcount > 0
