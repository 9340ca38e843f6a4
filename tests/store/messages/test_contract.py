"""Every store of the broker keeps the contract: the one on SQLite, and its in-memory twin."""

from __future__ import annotations

from pathlib import Path

from pkid.broker.kept import KeptMessages
from pkid.messaging.memory import MemoryBrokerStore
from tests.store.messages import contract
from tests.store.messages.kept import Databases


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


class MemoryBrokerStoreTests(contract.BrokerStoreContract):
    def open(self) -> None:
        limits = contract.LIMITS
        self.store = MemoryBrokerStore(KeptMessages(limits.most, limits.room, limits.age))

    def open_again(self) -> None:
        """Go on: it has what it was given."""
