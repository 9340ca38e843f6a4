"""Every store of the broker keeps the contract: the one on SQLite, and its in-memory twin."""

from __future__ import annotations

from pathlib import Path

from pkid.broker.kept import KeptMessages
from pkid.messaging.memory import MemoryBrokerStore
from pkid.store.messages.store import SQLBrokerStore
from tests.store.entries import NOON
from tests.store.messages import contract
from tests.store.messages.kept import Databases, message, recall


class SQLBrokerStoreTests(contract.BrokerStoreContract):
    def open(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.databases = Databases(self.folder)
        self.addCleanup(lambda: self.databases.close())
        self.store = self.databases.store(contract.LIMITS)

    def open_again(self) -> None:
        self.databases.close()
        self.databases = Databases(self.folder)
        self.store = self.databases.store(contract.LIMITS)

    def test_it_knows_how_many_it_keeps(self) -> None:
        self.keep(*(message(number) for number in range(1, 16)))
        assert isinstance(self.store, SQLBrokerStore)
        self.assertEqual(self.store.messages, 10)
        self.store.expire(2000.0)
        self.assertEqual(self.store.messages, 0)

    def test_a_clock_that_leaps_ahead_makes_it_forget_nothing(self) -> None:
        self.keep(message(1, received_at=NOON.timestamp()), message(2, received_at=NOON.timestamp() + 50))
        leapt = NOON.timestamp() + 31
        self.store.expire(leapt + 86400)
        self.assertEqual(self.recalled(recall("news")), [1, 2])
        self.restart()
        self.store.expire(leapt + 86400)
        self.store.expire(leapt + 86401)
        self.assertEqual(self.recalled(recall("news")), [1, 2])
        self.databases.clock.advance(30)
        self.store.expire(leapt + 86430)
        self.assertEqual(self.recalled(recall("news")), [])


class MemoryBrokerStoreTests(contract.BrokerStoreContract):
    def open(self) -> None:
        limits = contract.LIMITS
        self.store = MemoryBrokerStore(KeptMessages(limits.most, limits.room, limits.age))

    def open_again(self) -> None:
        """Go on: it has what it was given."""
