"""The whole store with its threads: what it acknowledged is there after a stop, and damage is told before a start."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import TestCase

from pkid.errors import PkidError, StateError
from pkid.messaging.store import Stored
from pkid.store.messages.opening import OpenBrokerStore, open_broker_store
from pkid.store.messages.schema import MESSAGES, metadata
from pkid.store.opening import OpenLedger, open_ledger
from pkid.store.sqlite import open_sqlite
from tests.store.entries import NOON
from tests.store.messages.kept import message, recall


class OpenTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.told: list[int] = []
        self.waiting: dict[int, Deferred[None]] = {}
        self.addCleanup(self.stop)
        self.start()

    def start(self) -> Stored:
        from twisted.internet import reactor

        self.ledger: OpenLedger = open_ledger(self.folder / "ledger.sqlite", reactor)
        self.opened: OpenBrokerStore = open_broker_store(
            self.folder / "messages.sqlite", self.ledger.store, reactor, lambda: NOON
        )
        self.services = [self.ledger.store, self.ledger.reader, *self.opened.services]
        stored = self.opened.store.begin(self.kept)
        for service in self.services:
            service.startService()
        return stored

    async def stop(self) -> None:
        while self.services:
            await maybeDeferred(self.services.pop().stopService)

    def kept(self, numbers: object, error: PkidError | None) -> None:
        assert error is None
        assert isinstance(numbers, list)
        self.told += numbers
        for number in numbers:
            self.waiting.pop(number).callback(None)

    async def keep(self, *numbers: int) -> None:
        for number in numbers:
            self.waiting[number] = Deferred()
        for number in numbers:
            self.opened.store.keep(message(number), awaited=True)
        for number in numbers:
            if number in self.waiting:
                await self.waiting[number]

    async def test_many_messages_share_few_commits_and_their_order_is_kept(self) -> None:
        await self.keep(*range(1, 3001))
        self.assertEqual(self.told, list(range(1, 3001)))

    async def test_a_recall_finds_what_was_given_before_it(self) -> None:
        for number in range(1, 1501):
            self.opened.store.keep(message(number), awaited=False)
        found = await self.opened.store.recall(recall("news", most=10_000, room=1 << 30))
        self.assertEqual([each.number for each in found.messages], list(range(1, 1501)))

    async def test_stopping_writes_what_waits(self) -> None:
        for number in range(1, 1501):
            self.opened.store.keep(message(number), awaited=False)
        await self.stop()
        self.assertEqual(self.start().last_number, 1500)

    async def test_it_counts_what_it_keeps(self) -> None:
        await self.keep(1, 2, 3)
        self.assertEqual(self.opened.store.messages, 3)
        await self.stop()
        self.start()
        self.assertEqual(self.opened.store.messages, 3)

    async def test_the_files_are_private_and_one_is_not_taken_for_the_other(self) -> None:
        path = self.folder / "messages.sqlite"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        await self.stop()
        with self.assertRaises(StateError) as caught:
            open_sqlite(path)
        self.assertIn("another program's database", caught.exception.problem)
        with self.assertRaises(StateError) as caught:
            open_sqlite(self.folder / "ledger.sqlite", schema=MESSAGES)
        self.assertIn("another program's database", caught.exception.problem)

    async def test_a_damaged_file_is_told_by_name_before_the_start(self) -> None:
        await self.keep(1)
        await self.stop()
        path = self.folder / "messages.sqlite"
        path.write_bytes(path.read_bytes()[:4096] + bytes(4096))
        with self.assertRaises(StateError) as caught:
            open_sqlite(path, schema=MESSAGES)
        self.assertEqual((caught.exception.path, caught.exception.problem), (path, "is damaged"))


class MigrationTests(TestCase):
    def test_the_migrations_make_exactly_the_schema(self) -> None:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext
        from sqlalchemy import inspect

        from pkid.store import migrations
        from pkid.store.upgrade import schema_version

        engine = open_sqlite(Path(self.mktemp()), schema=MESSAGES)
        self.addCleanup(engine.dispose)
        with engine.connect() as connection:
            options = {"compare_server_default": True, "version_table": MESSAGES.version_table}
            self.assertEqual(compare_metadata(MigrationContext.configure(connection, opts=options), metadata), [])
            self.assertEqual(migrations.versions(MESSAGES)[0], MESSAGES.head)
            self.assertEqual(schema_version(connection, MESSAGES), MESSAGES.head)
            for table in metadata.tables.values():
                made = {index["name"]: index["column_names"] for index in inspect(connection).get_indexes(table.name)}
                self.assertEqual(made, {i.name: [column.name for column in i.columns] for i in table.indexes})
