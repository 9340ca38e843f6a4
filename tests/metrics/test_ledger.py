"""Certificates count once they are committed, whoever recorded them; transactions are timed."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import execute

from pkid.errors import Unavailable
from pkid.metrics.ledger import LedgerMeter
from pkid.store.interfaces import SearchableLedger
from pkid.store.service import SQLStore
from pkid.store.sqlite import open_sqlite
from tests.metrics.scrape import Scrape
from tests.store.entries import entry
from tests.support import Case


class LedgerMeterTests(Case):
    def setUp(self) -> None:
        self.registry = CollectorRegistry()
        self.store = SQLStore(open_sqlite(Path(self.mktemp())), execute, LedgerMeter(self.registry))
        self.addCleanup(self.store.close)

    def signed(self, order: str, profile: str = "component") -> float | None:
        return Scrape(self.registry).value("pkid_certificates_signed_total", profile=profile, order=order)

    def transactions(self) -> float | None:
        return Scrape(self.registry).value("pkid_store_transaction_seconds_count")

    def test_all_kinds_begin_at_nought(self) -> None:
        self.assertEqual([self.signed("new"), self.signed("renewal"), self.signed("new", "core")], [0, 0, 0])

    def test_certificates_by_profile_and_order(self) -> None:
        recorded = [entry(1), entry(2), entry(3, renews=1), entry(4, profile="core")]
        self.store.transact_now(lambda ledger: ledger.record(recorded))
        self.assertEqual([self.signed("new"), self.signed("renewal"), self.signed("new", "core")], [2, 1, 1])

    def test_what_is_rolled_back_does_not_count(self) -> None:
        def change_of_mind(ledger: SearchableLedger) -> None:
            ledger.record([entry(1)])
            raise KeyError

        with self.assertRaises(KeyError):
            self.store.transact_now(change_of_mind)
        self.assertEqual((self.signed("new"), self.transactions()), (0, 0))

    def test_what_the_database_does_not_take_is_a_failure(self) -> None:
        def fail(ledger: SearchableLedger) -> None:
            ledger.record([entry(1)])
            raise OperationalError("", {}, Exception("the disk is full"))

        with self.assertRaises(Unavailable):
            self.store.transact_now(fail)
        self.assertEqual((self.signed("new"), self.transactions()), (0, 1))
        self.assertEqual(Scrape(self.registry).value("pkid_store_failures_total"), 1)
        self.flushLoggedErrors()
