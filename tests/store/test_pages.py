"""How much of a ledger's file a group of certificates touches: what is touched is written when the group commits."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pkid.ca.ledger import Entry
from pkid.ca.serial import serial_number
from pkid.store.ledger import SQLLedger
from pkid.store.sqlite import open_sqlite
from tests.store.entries import NOON, entry
from tests.support import Case

GROUP = 16


class PagesTests(Case):
    def setUp(self) -> None:
        engine = open_sqlite(Path(self.mktemp()))
        self.addCleanup(engine.dispose)
        self.connection = engine.connect()
        self.addCleanup(self.connection.close)
        self.made = 0

    def record(self, groups: int) -> None:
        """Record so many groups, ten milliseconds apart, as a core with many components does."""
        for _ in range(groups):
            with self.connection.begin():
                SQLLedger(self.connection).record([self.next() for _ in range(GROUP)])

    def next(self) -> Entry:
        self.made += 1
        now = NOON + timedelta(milliseconds=10 * (self.made // GROUP))
        random = hashlib.sha256(b"%d" % self.made).digest()
        number = serial_number(now, random[:16])
        name, ends = f"{random.hex()[:8]}.example", now + timedelta(days=365)
        return replace(
            entry(self.made), serial=number, name=name, issued_at=now, not_after=ends, certificate=random * 30
        )

    def pragma(self, text: str) -> Any:
        """Tell SQLite something outside of any transaction."""
        database: Any = self.connection.connection.dbapi_connection
        return database.execute(f"PRAGMA {text}").fetchone()

    def test_a_group_touches_one_page_of_most_indexes(self) -> None:
        self.record(250)
        self.pragma("wal_checkpoint(TRUNCATE)")
        self.pragma("wal_autocheckpoint = 0")
        self.record(20)
        _, pages, _ = self.pragma("wal_checkpoint(PASSIVE)")
        self.assertLess(pages / (20 * GROUP), 8, "pages for each certificate")
