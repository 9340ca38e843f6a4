"""The ledger of one open transaction, in SQL. Begins and commits nothing; that is the store's part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.exc import NoResultFound

from pkid.ca.ledger import Entry, RequestKey
from pkid.store.schema import certificates, heartbeat
from pkid.store.statements import FIELDS, insert_entries, select_entries

__all__ = ["SQLLedger"]

_ENTRIES = select(*(certificates.c[name] for name in FIELDS))
_BEAT = update(heartbeat).where(heartbeat.c.id == 1).values(beats=heartbeat.c.beats + 1)


class SQLLedger:
    """A :class:`pkid.store.interfaces.SearchableLedger` on a connection whose transaction is open.

    Every method raises :class:`sqlalchemy.exc.SQLAlchemyError` when the database refuses.

    :param recorded: takes what is added.
    """

    def __init__(self, connection: Connection, recorded: list[Entry] | None = None) -> None:
        self._connection = connection
        self._recorded: list[Entry] = [] if recorded is None else recorded

    def recall(self, keys: Sequence[RequestKey], since: datetime) -> Mapping[RequestKey, Entry]:
        """Find the newest entry for each key that was signed at or after *since*, with one query for all."""
        wanted = set(keys)
        if not wanted:
            return {}
        hashes = {csr_sha256 for csr_sha256, _credential in wanted}
        entries = select_entries(self._connection, list(hashes), since)
        # The newest comes last, and so is the one that stays.
        return {entry.request_key: entry for entry in entries if entry.request_key in wanted}

    def record(self, entries: Sequence[Entry]) -> None:
        """Add entries, with one statement for all; a serial number that is there already is refused."""
        if entries:
            insert_entries(self._connection, entries)
            self._recorded += entries

    def touch(self) -> None:
        """Write something harmless, so that a commit proves that the ledger can be written."""
        if self._connection.execute(_BEAT).rowcount != 1:
            raise NoResultFound("the row of the table heartbeat is missing")

    def find(self, serial: int) -> Entry | None:
        """Find the entry with this serial number."""
        row = self._connection.execute(_ENTRIES.where(certificates.c.serial == serial)).one_or_none()
        return None if row is None else Entry(*row)

    def find_fingerprint(self, sha256: bytes) -> Entry | None:
        """Find the entry of the certificate with this SHA-256."""
        row = self._connection.execute(_ENTRIES.where(certificates.c.sha256 == sha256)).one_or_none()
        return None if row is None else Entry(*row)

    def count(self) -> int:
        """Count the entries; reads an index from end to end."""
        return self._connection.execute(select(func.count()).select_from(certificates)).scalar_one()

    def newest(self) -> datetime | None:
        """Return when the newest entry was signed."""
        query = select(certificates.c.issued_at).order_by(certificates.c.issued_at.desc()).limit(1)
        return self._connection.execute(query).scalar_one_or_none()

    def prune(self, ended: datetime, most: int) -> int:
        """Delete entries of certificates that ended before."""
        first = select(certificates.c.serial).where(certificates.c.not_after < ended)
        first = first.order_by(certificates.c.not_after).limit(most)
        return self._connection.execute(delete(certificates).where(certificates.c.serial.in_(first))).rowcount
