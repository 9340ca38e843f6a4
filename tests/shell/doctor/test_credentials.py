"""The doctor's look at credentials: whose secrets are recoverable, and whose have expired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pkid.auth.component_keyring import Material, SharedSecret, StoredCredential
from pkid.auth.scram import ScramVerifier
from pkid.shell.doctor.credentials import Listed, check_credentials, read_credentials
from pkid.store.credentials import SQLCredentials
from pkid.store.material import RECOVERABLE_SECRET
from tests.store.entries import sqlite_store
from tests.support import Case

NOW = datetime(2031, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
VERIFIER = ScramVerifier(b"saltsalt", 4096, bytes(32), bytes(32))


class ReadingTests(Case):
    def test_what_the_core_stored_is_read_but_for_the_secrets(self) -> None:
        path = Path(self.mktemp())
        store = sqlite_store(path)
        stored: list[tuple[str, Material, datetime | None]] = [
            ("bob", SharedSecret("hush"), None),
            ("alice", VERIFIER, NOW),
        ]
        for number, (name, material, expires) in enumerate(stored):
            credential = StoredCredential(str(number), name, material, expires)
            store.write_now(lambda connection, c=credential: SQLCredentials(connection).add(c, NOW))  # type: ignore[misc]
        found = read_credentials(path, RECOVERABLE_SECRET)
        self.successResultOf(store.close())
        self.assertEqual(found, [Listed("alice", False, NOW), Listed("bob", True, None)])
        self.assertNotIn("hush", repr(found))


class JudgementTests(Case):
    def check(self, *found: Listed) -> list[tuple[str, str]]:
        return [(finding.severity.value, finding.what) for finding in check_credentials(found, NOW)][1:]

    def test_lasting_keys_are_well(self) -> None:
        self.assertEqual(self.check(), [])
        self.assertEqual(self.check(Listed("alice", False, None), Listed("bob", False, NOW + 15 * DAY)), [])

    def test_recoverable_secrets_are_told_by_name(self) -> None:
        found = self.check(*(Listed(f"c{number}", True, None) for number in range(7)))
        what = (
            "a copy of the ledger is enough to log in as c0, c1, c2, c3, c4 and 2 others: their secrets are recoverable"
        )
        self.assertEqual(found, [("warning", what)])

    def test_who_cannot_log_in_any_more_is_told(self) -> None:
        found = self.check(Listed("alice", False, NOW), Listed("alice", False, NOW - DAY))
        self.assertEqual(found, [("warning", "all credentials of alice have expired")])

    def test_an_old_key_beside_a_new_one_is_no_fault(self) -> None:
        found = self.check(Listed("alice", False, NOW - DAY), Listed("alice", False, None))
        self.assertEqual(found, [("ok", "old credentials of alice have expired")])

    def test_keys_that_end_soon_are_told(self) -> None:
        found = self.check(Listed("alice", False, NOW + 13 * DAY))
        self.assertEqual(found, [("warning", "credentials of alice expire within 14 days")])
