"""Entries for the ledger, and stores to put them into."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twisted.internet.defer import execute

from pkid.ca.ledger import Entry
from pkid.store.interfaces import SearchableLedger
from pkid.store.service import SQLStore
from pkid.store.sqlite import open_sqlite

NOON = datetime(2031, 5, 6, 12, 0, 0, 123456, tzinfo=UTC)
"""When :func:`entry` says that it was signed."""


def entry(serial: int = 1, **changes: Any) -> Entry:
    """Make an entry that differs from that of another serial number wherever it may."""
    certificate = b"certificate %d" % serial
    made = Entry(
        serial=serial,
        name=f"worker-{serial}",
        proven=serial % 2 == 0,
        profile="component",
        credential="psk:default",
        csr_sha256=hashlib.sha256(b"request %d" % serial).digest(),
        sha256=hashlib.sha256(certificate).digest(),
        issued_at=NOON,
        not_before=NOON - timedelta(minutes=1),
        not_after=NOON + timedelta(days=365),
        certificate=certificate,
        origin="psk:default",
    )
    return replace(made, **changes)


def entries(serials: Iterable[int]) -> list[Entry]:
    return [entry(serial) for serial in serials]


def count(ledger: SearchableLedger) -> int:
    return ledger.count()


def sqlite_store(path: Path) -> SQLStore:
    """Open a store that works in the calling thread."""
    return SQLStore(open_sqlite(path, timedelta(milliseconds=10)), execute)
