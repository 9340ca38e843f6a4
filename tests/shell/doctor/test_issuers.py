"""The doctor's look at former CAs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pkid.ca.issuers import Issuers
from pkid.shell.doctor.issuers import Former, check_former, read_former
from pkid.store.issuers import StoredIssuers
from tests.certificates import NOON, authority
from tests.store.entries import sqlite_store
from tests.support import Case


class ReadingTests(Case):
    def test_those_that_were_replaced_are_read(self) -> None:
        path, found = Path(self.mktemp()), Issuers()
        for number in range(3):
            found = found.succeeded_by(authority(f"CN={number}").chain, NOON + timedelta(hours=number))
        store = sqlite_store(path)
        StoredIssuers(store).save_now(found.distrusting(found.known[1].sha256, NOON))
        read = read_former(path)
        self.successResultOf(store.close())
        self.assertEqual(read, [Former("CN=0", False), Former("CN=1", True)])

    def test_an_older_ledger_has_none(self) -> None:
        path = Path(self.mktemp())
        store = sqlite_store(path)
        store.write_now(lambda connection: connection.exec_driver_sql("DROP TABLE issuers"))
        read = read_former(path)
        self.successResultOf(store.close())
        self.assertEqual(read, [])


class SayingTests(Case):
    def test_what_counts_and_what_does_not_is_said(self) -> None:
        self.assertEqual(list(check_former([])), [])
        counted, distrusted = check_former([Former("CN=a", False), Former("CN=b", True), Former("CN=c", False)])
        self.assertEqual(counted.what, "certificates of former CAs count too: CN=a; CN=c")
        self.assertIn("pkid ca distrust", counted.remedy)
        self.assertEqual(distrusted.what, "distrusted: CN=b")
