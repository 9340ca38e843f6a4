"""A process that brings a ledger up to date until it is killed: ``python -m tests.store.migrator PATH``.

Prints ``migrated`` when all is done but the commit, and waits.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pkid.store import migrations
from pkid.store.sqlite import open_sqlite

_upgrade = migrations.upgrade


def stay(*arguments: Any, **options: Any) -> None:
    """Migrate, and never come to the commit."""
    _upgrade(*arguments, **options)
    print("migrated", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    migrations.upgrade = stay
    open_sqlite(Path(sys.argv[1]))
