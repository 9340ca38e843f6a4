"""The components' credentials in SQL, each change of them with a line in the trail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from pkid.auth.component_keyring import StoredCredential
from pkid.errors import Unusable
from pkid.store.material import read_material, write_material
from pkid.store.rights import note_change
from pkid.store.schema import credentials

__all__ = ["SQLCredentials"]


class SQLCredentials:
    """The stored credentials, on a connection whose transaction is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[StoredCredential]:
        """Return all credentials, the oldest first.

        :raises Unusable: when one cannot be read.
        """
        oldest_first = select(credentials).order_by(credentials.c.created, credentials.c.identifier)
        return list(map(_credential, self._connection.execute(oldest_first)))

    def add(self, credential: StoredCredential, created: datetime) -> None:
        """Store a credential.

        :param created: aware UTC.
        """
        kind, material = write_material(credential.material)
        row = {
            "identifier": credential.identifier,
            "component": credential.component,
            "kind": kind,
            "material": material,
            "expires": credential.expires,
            "created": created,
            "created_by": credential.created_by,
        }
        self._connection.execute(insert(credentials).values(row))
        what = f"add-credential {credential.component} {credential.identifier} {kind}"
        note_change(self._connection, what, credential.created_by, created)

    def revoke(self, credential: StoredCredential, by: str, at: datetime) -> None:
        """Forget a credential."""
        self._connection.execute(delete(credentials).where(credentials.c.identifier == credential.identifier))
        note_change(self._connection, f"revoke-credential {credential.component} {credential.identifier}", by, at)

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Note when credentials last proved their names; those that were revoked meanwhile are passed over."""
        for identifier, at in uses.items():
            one = update(credentials).where(credentials.c.identifier == identifier)
            self._connection.execute(one.values(last_used=at))


def _credential(row: Row[Any]) -> StoredCredential:
    try:
        material = read_material(row.kind, row.material)
    except Unusable as error:
        raise Unusable(f"holds a credential of {row.component}, {row.identifier}, that {error.problem}", "") from None
    return StoredCredential(
        row.identifier, row.component, material, row.expires, row.last_used, row.created, row.created_by
    )
