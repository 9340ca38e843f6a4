"""Every store keeps the contract: the real one, and its in-memory twin."""

from __future__ import annotations

from pathlib import Path

from pkid.store.memory import MemoryStore
from tests.store import contract
from tests.store.entries import sqlite_store


class SQLiteStoreTests(contract.StoreContract):
    def setUp(self) -> None:
        store = sqlite_store(Path(self.mktemp()))
        self.addCleanup(store.close)
        self.store = store


class MemoryStoreTests(contract.StoreContract):
    def setUp(self) -> None:
        self.store = MemoryStore()
