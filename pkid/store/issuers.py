"""The CAs that issue here or did, in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select
from twisted.internet.defer import Deferred

from pkid.ca.issuers import Issuers, KnownIssuer
from pkid.ca.pem import read_certificates, write_certificates
from pkid.errors import StateError, Unusable
from pkid.store.database import Database
from pkid.store.rights import note_change
from pkid.store.schema import issuers

__all__ = ["SQLIssuers", "StoredIssuers"]


class SQLIssuers:
    """The CAs, on a connection whose transaction is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[KnownIssuer]:
        """Return them: the one that issues, then the one that was replaced last, the distrusted at the end.

        :raises Unusable: when one cannot be read.
        """
        places = issuers.c.replaced_at.is_not(None), issuers.c.distrusted_at.is_not(None), issuers.c.replaced_at.desc()
        return list(map(_known_issuer, self._connection.execute(select(issuers).order_by(*places))))

    def exchange(self, known: Iterable[KnownIssuer]) -> None:
        """Have these, and no others."""
        self._connection.execute(delete(issuers))
        rows = [
            {
                "sha256": each.sha256,
                "chain": write_certificates(each.chain),
                "replaced_at": each.replaced_at,
                "distrusted_at": each.distrusted_at,
            }
            for each in known
        ]
        if rows:
            self._connection.execute(insert(issuers), rows)


class StoredIssuers:
    """The stored CAs, in transactions of the ledger: a :class:`pkid.lineage.IssuerStore`."""

    def __init__(self, ledger: Database) -> None:
        self._ledger = ledger

    def load(self) -> Issuers:
        """Return them; blocks, for use before the reactor runs.

        :raises StateError: when one cannot be read: without it, nobody could tell which is distrusted.
        :raises Unavailable: ``store`` when the ledger cannot be read.
        """
        try:
            return Issuers(tuple(self._ledger.write_now(lambda connection: SQLIssuers(connection).all())))
        except Unusable as error:
            raise StateError("the ledger", f"has a CA that {error.problem}", "restore it from a copy") from None

    def save_now(self, found: Issuers) -> None:
        """Keep these, and no others; blocks, for use before the reactor runs.

        :raises Unavailable: ``store`` when the ledger cannot be written.
        """
        self._ledger.write_now(lambda connection: SQLIssuers(connection).exchange(found.known))

    def save(self, found: Issuers) -> Deferred[None]:
        """Keep these, and no others; fire when that is committed."""
        return self._ledger.write(lambda connection: SQLIssuers(connection).exchange(found.known))

    def distrust(self, found: Issuers, sha256: bytes, by: str, at: datetime) -> Deferred[None]:
        """Do the same, and write down who distrusts one of them.

        :param by: who wants it, as the trail is to tell.
        :param at: aware UTC.
        """

        def exchange(connection: Connection) -> None:
            SQLIssuers(connection).exchange(found.known)
            note_change(connection, f"distrust-issuer {sha256.hex()}", by, at)

        return self._ledger.write(exchange)


def _known_issuer(row: Row[Any]) -> KnownIssuer:
    return KnownIssuer(tuple(read_certificates(row.chain)), row.replaced_at, row.distrusted_at)
