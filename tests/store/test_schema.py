"""The tables that the migrations make are the tables that the code uses."""

from __future__ import annotations

import sqlite3
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.dialects import sqlite

from pkid.ca.ledger import Entry
from pkid.errors import StateError
from pkid.store import migrations
from pkid.store import sqlite as opening
from pkid.store.ledger import SQLLedger
from pkid.store.schema import HEAD, Instant, Serial, certificates, metadata
from pkid.store.sqlite import open_sqlite
from pkid.store.upgrade import schema_version
from tests.store.entries import NOON, entries, entry
from tests.store.old import make_old_ledger
from tests.support import Case

DIALECT = sqlite.dialect()
HEADER = 100  # bytes, in which the mode of the journal stands


class MigrationTests(Case):
    def setUp(self) -> None:
        engine = open_sqlite(Path(self.mktemp()))
        self.addCleanup(engine.dispose)
        self.connection = engine.connect()
        self.addCleanup(self.connection.close)

    def test_the_version_that_the_code_needs_is_the_newest_migration(self) -> None:
        self.assertEqual(migrations.versions()[0], HEAD)
        self.assertEqual(schema_version(self.connection), HEAD)

    def test_the_migrations_make_exactly_the_schema(self) -> None:
        context = MigrationContext.configure(self.connection, opts={"compare_server_default": True})
        self.assertEqual(compare_metadata(context, metadata), [])

    def test_the_migrations_make_the_indexes_on_the_columns_that_the_schema_names(self) -> None:
        for each in metadata.tables.values():
            made = {index["name"]: index["column_names"] for index in inspect(self.connection).get_indexes(each.name)}
            wanted = {index.name: [column.name for column in index.columns] for index in each.indexes}
            self.assertEqual(made, wanted)


class UpgradeTests(Case):
    def test_a_ledger_of_the_first_version_keeps_its_entries(self) -> None:
        path = Path(self.mktemp())
        kept = [entry(1), entry(2, profile="core", origin="core")]
        make_old_ledger(path, "0001", kept)
        engine = open_sqlite(path)
        self.addCleanup(engine.dispose)
        with engine.begin() as connection:
            self.assertEqual(schema_version(connection), HEAD)
            self.assertEqual([SQLLedger(connection).find(each.serial) for each in kept], kept)

    def test_where_there_is_no_room_for_the_new_one_the_old_one_stays(self) -> None:
        path = Path(self.mktemp())
        make_old_ledger(path, "0006", entries(range(1, 1000)))
        before, configure = path.read_bytes(), opening._configure

        def fill_the_disk(connection: sqlite3.Connection, record: object) -> None:
            configure(connection, record)
            connection.execute("PRAGMA max_page_count = 1")  # as many as there are

        self.patch(opening, "_configure", fill_the_disk)
        error = self.assertRaises(StateError, open_sqlite, path)
        self.assertIn("the disk is full; make room on it", str(error))
        self.assertEqual(path.read_bytes()[HEADER:], before[HEADER:])
        self.patch(opening, "_configure", configure)
        open_sqlite(path).dispose()


class ColumnTests(Case):
    def test_there_is_one_column_for_each_field_of_an_entry_and_one_for_how_names_end(self) -> None:
        columns = [column.name for column in certificates.columns]
        self.assertEqual(columns, [*(field.name for field in fields(Entry)), "reversed_name"])

    def test_serial_numbers_order_as_text_as_they_do_as_numbers(self) -> None:
        serials = [1, 9, 10, 255, 1 << 64, (1 << 159) - 1]
        texts = [Serial().process_bind_param(serial, DIALECT) for serial in serials]
        self.assertEqual(texts, sorted(filter(None, texts)))

    def test_serial_numbers_that_no_certificate_may_have_are_refused(self) -> None:
        for serial in (0, -1, 1 << 159):
            self.assertRaises(ValueError, Serial().process_bind_param, serial, DIALECT)

    def test_instants_keep_their_microseconds_before_1970_and_after(self) -> None:
        for instant in (NOON, NOON - timedelta(days=36525, microseconds=1)):
            written = Instant().process_bind_param(instant, DIALECT)
            self.assertEqual(Instant().process_result_value(written, DIALECT), instant)

    def test_a_datetime_without_time_zone_is_refused(self) -> None:
        self.assertRaises(TypeError, Instant().process_bind_param, datetime(2031, 5, 6), DIALECT)

    def test_an_instant_that_could_not_be_read_again_is_not_written(self) -> None:
        east, west = timezone(timedelta(hours=1)), timezone(timedelta(hours=-1))
        for instant in (datetime(1, 1, 1, tzinfo=east), datetime(9999, 12, 31, 23, 30, tzinfo=west)):
            self.assertRaises(OverflowError, Instant().process_bind_param, instant, DIALECT)
