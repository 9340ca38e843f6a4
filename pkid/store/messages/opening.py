"""The broker's store in all its parts, opened together: who writes it, who reads it, where it lies."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from twisted.application.service import IService

from pkid.store.database import Database
from pkid.store.disk import LedgerFile
from pkid.store.messages.messages import Limits
from pkid.store.messages.schema import MESSAGES
from pkid.store.messages.store import SQLBrokerStore
from pkid.store.reader import Reader
from pkid.store.service import StoreService
from pkid.store.sqlite import open_reader, open_sqlite

__all__ = ["OpenBrokerStore", "open_broker_store"]

_MOST_RECALLS = 10_000  # that wait their turn, as when everybody comes back after a restart


@dataclass(frozen=True, slots=True)
class OpenBrokerStore:
    """A broker's store that a core has open.

    :ivar services: are to be started in this order, after the ledger's, and stopped in the other.
    """

    store: SQLBrokerStore
    file: LedgerFile
    services: tuple[IService, ...]


def open_broker_store(
    path: Path, ledger: Database, reactor: Any, now: Callable[[], datetime], limits: Limits | None = None
) -> OpenBrokerStore:
    """Open the message store's file, made or brought up to date if need be.

    :param ledger: where rights are kept.
    :param now: gives the wall-clock time, aware UTC.
    :raises StateError: when the file is not fit for use.
    """
    what = MESSAGES.what
    database = StoreService(open_sqlite(path, schema=MESSAGES), reactor, name="messages", what=what)
    reader = Reader(
        open_reader(path), reactor, time.monotonic, waiting=_MOST_RECALLS, name="messages-reader", what=what
    )
    store = SQLBrokerStore(
        ledger, database, reader.read, reactor, now, limits, soon=lambda begin: reactor.callLater(0, begin)
    )
    return OpenBrokerStore(store, LedgerFile(path), (database, reader, store))
