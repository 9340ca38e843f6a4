"""Ledgers as former versions of pkid left them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import column, create_engine, insert, inspect, table

from pkid.ca.ledger import Entry
from pkid.store import migrations
from pkid.store.schema import certificates
from pkid.store.upgrade import LEDGER

__all__ = ["make_old_ledger"]


def make_old_ledger(path: Path, version: str, entries: Iterable[Entry]) -> None:
    """Make a ledger of a former version; what was there is gone."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        each.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id = {LEDGER.application}")
        migrations.upgrade(connection, version)
        names = [each["name"] for each in inspect(connection).get_columns("certificates")]
        former = table("certificates", *(column(name, certificates.c[name].type) for name in names))
        connection.execute(insert(former), [_row(each, names) for each in entries])
    engine.dispose()


def _row(entry: Entry, names: list[str]) -> dict[str, object]:
    """Write an entry's fields, and its name backwards where the version has that."""
    return {name: entry.name[::-1] if name == "reversed_name" else getattr(entry, name) for name in names}
