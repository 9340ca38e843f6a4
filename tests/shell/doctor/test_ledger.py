"""The ledger's file, read and never written."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

from pkid.shell.doctor.finding import Severity
from pkid.shell.doctor.ledger import Contents, Expected, check_contents, check_room, read_database
from pkid.store.sqlite import open_sqlite
from pkid.store.upgrade import LEDGER
from tests.support import Case

MIB = 1 << 20
EXPECTED = Expected(
    "ledger", LEDGER.application, LEDGER.head, LEDGER.version_table, "certificates", "nothing is signed"
)


def read_ledger(path: Path) -> Contents:
    return read_database(path, EXPECTED)


class ReadingTests(Case):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "ledger.sqlite"
        self.path.parent.mkdir()
        self.engine = open_sqlite(self.path)
        self.addCleanup(self.engine.dispose)

    def test_what_the_core_wrote_is_read(self) -> None:
        self.assertEqual(read_ledger(self.path), Contents(LEDGER.application, "ok", LEDGER.head, 0))

    def test_one_that_is_in_use_is_read_too(self) -> None:
        with self.engine.begin():
            self.assertEqual(read_ledger(self.path).damage, "ok")

    def test_nothing_is_left_beside_one_that_nobody_uses(self) -> None:
        self.engine.dispose()
        before = {path.name: path.read_bytes() for path in self.path.parent.iterdir()}
        read_ledger(self.path)
        self.assertEqual({path.name: path.read_bytes() for path in self.path.parent.iterdir()}, before)

    def test_what_a_crash_left_in_the_write_ahead_log_counts(self) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        crashed = self.path.parent / "crashed"
        crashed.mkdir()
        for path in self.path.parent.glob("ledger.sqlite*"):
            shutil.copy(path, crashed)
        self.assertEqual(read_ledger(crashed / self.path.name).version, "9999")

    def test_damage_is_found(self) -> None:
        self.engine.dispose()
        content = bytearray(self.path.read_bytes())
        content[5000:9000] = b"\xaa" * 4000
        self.path.write_bytes(content)
        try:
            self.assertNotEqual(read_ledger(self.path).damage, "ok")
        except sqlite3.DatabaseError as error:
            self.assertIn("malformed", str(error))

    def test_what_is_no_database_is_an_error(self) -> None:
        other = self.path.with_name("other")
        other.write_bytes(b"no database" * 100)
        self.assertRaises(sqlite3.DatabaseError, read_ledger, other)
        self.assertRaises(sqlite3.OperationalError, read_ledger, self.path.with_name("none"))

    def test_odd_names_are_names(self) -> None:
        odd = self.path.with_name("a?mode=rwc&b#c%20d")
        self.engine.dispose()
        shutil.copy(self.path, odd)
        self.assertEqual(read_ledger(odd).version, LEDGER.head)


class JudgementTests(Case):
    def check(self, application: int = 1, damage: str = "ok", version: str | None = "0002") -> list[str]:
        expected = replace(EXPECTED, application=1, version="0002")
        findings = check_contents(Contents(application, damage, version, 5), expected)
        return [finding.severity.value for finding in findings]

    def test_a_ledger_is_ours_whole_and_of_this_version(self) -> None:
        self.assertEqual(self.check(), ["ok"])
        self.assertEqual(self.check(application=0), ["problem"])
        self.assertEqual(self.check(damage="page 3 is bad"), ["problem"])
        self.assertEqual(self.check(version="0001"), ["ok", "warning"])
        self.assertEqual(self.check(version=None), ["ok", "warning"])
        self.assertEqual(self.check(version="0003"), ["ok", "problem"])

    def test_room_on_its_disk(self) -> None:
        for free, severity in (
            (4 * MIB - 1, Severity.PROBLEM),
            (4 * MIB, Severity.WARNING),
            (256 * MIB - 1, Severity.WARNING),
            (256 * MIB, Severity.OK),
        ):
            self.assertIs(check_room(EXPECTED, 1, free).severity, severity)
