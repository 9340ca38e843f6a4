"""The ledger in all its parts, opened together: who writes it, who reads it, where it lies, how large it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pkid.store.disk import LedgerFile
from pkid.store.interfaces import Meter
from pkid.store.reader import Reader
from pkid.store.service import StoreService
from pkid.store.size import LedgerSize
from pkid.store.sqlite import open_reader, open_sqlite

__all__ = ["OpenLedger", "open_ledger"]


@dataclass(frozen=True, slots=True)
class OpenLedger:
    """A ledger that a core has open; its two services are to be started and stopped."""

    store: StoreService
    reader: Reader
    file: LedgerFile
    size: LedgerSize


def open_ledger(path: Path, reactor: Any, meter: Meter | None = None) -> OpenLedger:
    """Open the ledger's file, made or brought up to date if need be.

    :param meter: takes the time of each transaction.
    :raises StateError: when it is not fit for use.
    """
    store = StoreService(open_sqlite(path), reactor, meter)
    reader = Reader(open_reader(path), reactor, time.monotonic)
    file = LedgerFile(path)
    return OpenLedger(store, reader, file, LedgerSize(lambda: reader.consult(file.measure), reactor))
