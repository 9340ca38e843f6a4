"""The doctor's look at former CAs."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path

from cryptography import x509

from pkid.ca.issuers import Issuers
from pkid.shell.doctor.issuers import ListedIssuer, check_former, read_issuers
from pkid.store.issuers import StoredIssuers
from tests.certificates import NOON, authority
from tests.store.entries import sqlite_store
from tests.support import Case


@cache
def chain(number: int) -> tuple[x509.Certificate, ...]:
    """Return the chain of a CA; the same one each time."""
    return authority(f"CN={number}").chain


def listed(number: int, *, former: bool = False, distrusted: bool = False) -> ListedIssuer:
    """Return what is read of a CA."""
    return ListedIssuer(chain(number), former, distrusted)


class ReadingTests(Case):
    def test_the_one_that_issues_is_read_first_and_those_that_did(self) -> None:
        path, found = Path(self.mktemp()), Issuers()
        for number in range(3):
            found = found.succeeded_by(chain(number), NOON + timedelta(hours=number))
        store = sqlite_store(path)
        StoredIssuers(store).save_now(found.distrusting(found.known[1].sha256, NOON))
        read = read_issuers(path)
        self.successResultOf(store.close())
        self.assertEqual(read, [listed(2), listed(0, former=True), listed(1, former=True, distrusted=True)])
        self.assertEqual([each.name for each in read], ["CN=2", "CN=0", "CN=1"])

    def test_an_older_ledger_has_none(self) -> None:
        path = Path(self.mktemp())
        store = sqlite_store(path)
        store.write_now(lambda connection: connection.exec_driver_sql("DROP TABLE issuers"))
        read = read_issuers(path)
        self.successResultOf(store.close())
        self.assertEqual(read, [])


class SayingTests(Case):
    def test_what_counts_and_what_does_not_is_said(self) -> None:
        self.assertEqual(list(check_former([])), [])
        counted, distrusted = check_former(
            [listed(0), listed(1, former=True), listed(2, former=True, distrusted=True), listed(3, former=True)]
        )
        self.assertEqual(counted.what, "certificates of former CAs count too: CN=1; CN=3")
        self.assertIn("pkid ca distrust", counted.remedy)
        self.assertEqual(distrusted.what, "distrusted: CN=2")
