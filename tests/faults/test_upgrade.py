"""The power fails while a new pkid brings an old ledger up to date: nothing is lost, and the next start ends it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlalchemy import create_engine, text

from pkid.store.schema import HEAD
from pkid.store.upgrade import schema_version
from tests.certificates import csr_pem
from tests.daemon import CHECKOUT, Daemon, start_daemon
from tests.interop.core import WITH_PSK, ask, bearer
from tests.store.entries import count, entries, entry, sqlite_store
from tests.store.old import make_old_ledger
from tests.support import Case

ENTRIES = 20_000
FORMER = "0007"
SPILLED = 1 << 18  # bytes that are in the write-ahead log before the commit, because they do not fit into memory


class UpgradeTests(Case):
    def setUp(self) -> None:
        self.daemon = start_daemon(self, *WITH_PSK)
        self.daemon.stop()
        self.ledger = self.daemon.state / "ledger.sqlite"
        make_old_ledger(self.ledger, FORMER, entries(range(1, ENTRIES + 1)))

    def kill_in_the_middle(self) -> None:
        command = [sys.executable, "-m", "tests.store.migrator", str(self.ledger)]
        migrator = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with migrator:
            self.addCleanup(migrator.kill)
            assert migrator.stdout is not None
            self.assertEqual(migrator.stdout.readline(), "migrated\n")
            migrator.kill()
        self.assertGreater(Path(f"{self.ledger}-wal").stat().st_size, SPILLED)

    def version(self) -> str | None:
        engine = create_engine(f"sqlite:///{self.ledger}")
        try:
            with engine.connect() as connection:
                self.assertEqual(connection.execute(text("PRAGMA integrity_check")).scalar(), "ok")
                return schema_version(connection)
        finally:
            engine.dispose()

    def test_what_was_killed_in_the_middle_begins_anew_and_loses_nothing(self) -> None:
        self.kill_in_the_middle()
        self.assertEqual(self.version(), FORMER)
        self.daemon.start()
        self.is_told(self.daemon)
        self.assertEqual(ask(self.daemon, "POST", "/ca/sign", csr_pem(), bearer()).status, 200)
        self.daemon.stop()
        self.assertEqual(self.version(), HEAD)
        store = sqlite_store(self.ledger)
        self.addCleanup(store.close)
        self.assertGreater(store.transact_now(count), ENTRIES)
        for serial in (1, ENTRIES // 2, ENTRIES):
            self.assertEqual(store.transact_now(lambda ledger, serial=serial: ledger.find(serial)), entry(serial))  # type: ignore[misc]

    def is_told(self, daemon: Daemon) -> None:
        """Check that whoever waits for the start can see what it is at."""
        said = f"this start brings the ledger {self.ledger} from version {FORMER} to {HEAD}"
        self.assertEqual([said in line for line in daemon.output.splitlines()].count(True), 1, daemon.output)
