"""The CAs that issue here or did are there after a restart, each with its chain and its times."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select, update

from pkid.ca.issuers import Issuers
from pkid.errors import StateError
from pkid.store.issuers import StoredIssuers
from pkid.store.schema import changes, issuers
from pkid.store.service import SQLStore
from tests.certificates import NOON, authority
from tests.store.entries import sqlite_store
from tests.support import Case

LATER = NOON + timedelta(hours=1)
BELOW = authority("CN=below", authority("CN=above"))


class StoredIssuersTests(Case):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.found = Issuers()
        for number, issuer in enumerate((authority("CN=first"), authority("CN=second"), BELOW)):
            self.found = self.found.succeeded_by(issuer.chain, NOON + timedelta(hours=number))

    def open(self) -> SQLStore:
        store = sqlite_store(self.path)
        self.addCleanup(store.close)
        return store

    def test_there_are_none_at_first(self) -> None:
        self.assertEqual(StoredIssuers(self.open()).load(), Issuers())

    def test_what_was_saved_is_loaded_in_its_order_and_nothing_else(self) -> None:
        store = self.open()
        stored = StoredIssuers(store)
        stored.save_now(Issuers().succeeded_by(authority("CN=other").chain, NOON))
        self.successResultOf(stored.save(self.found))
        self.successResultOf(store.close())
        self.assertEqual(StoredIssuers(self.open()).load(), self.found)

    def test_distrust_is_kept_and_stands_in_the_trail(self) -> None:
        store = self.open()
        sha256 = self.found.known[1].sha256
        distrusted = self.found.distrusting(sha256, LATER)
        self.successResultOf(StoredIssuers(store).distrust(distrusted, sha256, "psk:default", LATER))
        self.successResultOf(store.close())
        again = self.open()
        found = StoredIssuers(again).load()
        self.assertEqual(found, distrusted.succeeded_by(BELOW.chain, LATER))
        (row,) = again.write_now(lambda connection: connection.execute(select(changes)).all())
        self.assertEqual(row[1:], (LATER, "psk:default", f"distrust-issuer {sha256.hex()}"))

    def test_one_that_cannot_be_read_stops_the_start(self) -> None:
        store = self.open()
        stored = StoredIssuers(store)
        stored.save_now(self.found)

        def damage(connection: Connection) -> None:
            connection.execute(update(issuers).values(chain=b"nothing"))

        store.write_now(damage)
        error = self.assertRaises(StateError, stored.load)
        self.assertIn("the ledger has a CA that", str(error))
