"""A process that is killed, a full disk, damaged rows: no acknowledged message is lost, and none is half."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlalchemy import insert
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import Logger, formatEvent

from pkid.broker.payload import Payload, PayloadKind
from pkid.errors import PkidError, Reason, StateError
from pkid.store.messages.messages import SQLMessages
from pkid.store.messages.schema import subscriptions
from pkid.store.schema import rules
from pkid.store.service import SQLStore
from tests.store.messages.kept import Databases, message, recall
from tests.support import Case

CHECKOUT = Path(__file__).resolve().parents[3]
ENOUGH = 2000


class KilledKeeperTests(Case):
    def test_what_a_killed_process_acknowledged_is_there_once(self) -> None:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        command = [sys.executable, "-m", "tests.store.messages.keeper", str(folder)]
        keeper = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        with keeper:
            assert keeper.stdout is not None
            self.addCleanup(keeper.kill)
            lines = [keeper.stdout.readline() for _ in range(ENOUGH)]
            keeper.kill()
            lines += keeper.stdout.readlines()
        told = [int(line.removeprefix("kept ")) for line in lines if line.endswith("\n")]
        databases = Databases(folder)
        self.addCleanup(databases.close)
        store = databases.store()
        last_number = store.begin(lambda *_: None).last_number
        asked = recall("news", most=10**6, room=1 << 40)
        kept = [each.number for each in self.successResultOf(store.recall(asked)).messages]
        self.assertEqual(told, list(range(1, len(told) + 1)))
        self.assertGreaterEqual(len(told), ENOUGH)
        self.assertEqual(kept[: len(told)], told)
        self.assertEqual(kept, list(range(1, last_number + 1)))


class FaultCase(Case):
    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.databases = Databases(folder)
        self.addCleanup(self.databases.close)
        self.events = EventLoggingObserver()
        self.patch(SQLStore, "_log", Logger(observer=self.events))


class FullDiskTests(FaultCase):
    def test_a_full_disk_is_told_nothing_is_half_and_it_goes_on_when_there_is_room(self) -> None:
        told: list[tuple[list[int], PkidError | None]] = []
        store = self.databases.store()
        store.begin(lambda numbers, error: told.append((list(numbers), error)))
        store.keep(message(1), awaited=True)
        large = Payload(PayloadKind.BYTES, b"secret" * 50_000)
        with self.databases.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        store.keep(message(2, payload=large, size=300_000), awaited=True)
        (first, (numbers, error)) = told
        assert error is not None
        self.assertEqual((first, numbers, error.reason), (([1], None), [2], Reason.STORE))
        (logged,) = map(formatEvent, self.events)
        self.assertIn("the message store cannot be written: database or disk is full", logged)
        self.assertNotIn("secret", logged)
        totals = self.databases.messages.write_now(lambda connection: SQLMessages(connection).totals())
        self.assertEqual(totals, (1, 100))


class DamageTests(FaultCase):
    def test_a_right_that_is_none_stops_the_start(self) -> None:
        row = {"topic": "t", "subject": "alice", "access": "deny", "verbs": "fly"}
        self.databases.ledger.write_now(lambda connection: connection.execute(insert(rules).values(row)))
        error = self.assertRaises(StateError, self.databases.store().begin, lambda *_: None)
        self.assertIn("the ledger holds a right that cannot be read", str(error))

    def test_a_topic_that_is_none_stops_the_start(self) -> None:
        row = {"component": "alice", "topic": "a//b", "since": 1.0}
        self.databases.messages.write_now(lambda connection: connection.execute(insert(subscriptions).values(row)))
        error = self.assertRaises(StateError, self.databases.store().begin, lambda *_: None)
        self.assertIn("the message store holds a topic that cannot be read", str(error))

    def test_only_payloads_are_kept(self) -> None:
        self.assertRaises(TypeError, self.databases.store().keep, message(1, payload=object()), awaited=True)
