"""The tenants that an admin declared, in SQL, each change of them with a line in the trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select
from twisted.internet.defer import Deferred

from pkid.store.database import Database
from pkid.store.rights import note_change
from pkid.store.schema import tenants

__all__ = ["SQLTenants", "StoredTenants"]


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


class StoredTenants:
    """The stored tenants, in transactions of the ledger: a :class:`pkid.tenancy.TenantStore`.

    :param now: gives the wall-clock time, aware UTC.
    """

    def __init__(self, ledger: Database, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now

    def all_now(self) -> Mapping[str, bytes | None]:
        """Return the tenants; blocks, for use before the reactor runs.

        :raises Unavailable: ``store`` when the ledger cannot be read.
        """
        return self._ledger.write_now(lambda connection: SQLTenants(connection).all())

    def declare(self, name: str, pin: bytes | None, by: str) -> Deferred[None]:
        """Declare a tenant, or give it another PIN; parameters as for :meth:`SQLTenants.declare`."""
        at = self._now()
        return self._ledger.write(lambda connection: SQLTenants(connection).declare(name, pin, by, at))

    def withdraw(self, name: str, by: str) -> Deferred[bool]:
        """Have a tenant no longer, and tell whether there was one."""
        at = self._now()
        return self._ledger.write(lambda connection: SQLTenants(connection).withdraw(name, by, at))
