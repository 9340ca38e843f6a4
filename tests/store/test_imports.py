"""A daemon whose ledger is up to date does not pay for Alembic."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.store.entries import sqlite_store
from tests.support import Case

CHECKOUT = Path(__file__).resolve().parents[2]
OPEN = """
import sys
from pathlib import Path
import pkid.store.service
from pkid.store.sqlite import open_sqlite
open_sqlite(Path(sys.argv[1])).dispose()
print(*sys.modules)
"""


class ImportTests(Case):
    def modules(self, path: Path) -> set[str]:
        """List what a fresh process has imported after opening the ledger."""
        command = [sys.executable, "-c", OPEN, str(path)]
        return set(subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout.split())

    def test_an_up_to_date_ledger_is_opened_without_alembic_or_the_orm(self) -> None:
        path = Path(self.mktemp()).resolve()
        self.successResultOf(sqlite_store(path).close())
        unwanted = {"alembic", "sqlalchemy.orm", "mako", "twisted.internet.reactor", "pkid.store.memory"}
        self.assertEqual(self.modules(path) & unwanted, set())

    def test_a_new_ledger_is_made_with_alembic(self) -> None:
        self.assertIn("alembic", self.modules(Path(self.mktemp()).resolve()))
