"""A process that records entries until it is killed: ``python -m tests.store.writer PATH``.

Prints ``committed N`` when the group whose entries have the serial numbers 10 N to 10 N + 9 is committed.
After the third it prints ``open`` inside of a transaction that has recorded serial number 999, and waits.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pkid.store.interfaces import SearchableLedger
from tests.store.entries import entries, entry, sqlite_store


def stay(ledger: SearchableLedger) -> None:
    """Record an entry and never come to the commit."""
    ledger.record([entry(999)])
    print("open", flush=True)
    sys.stdin.read()


def main(path: Path) -> None:
    """Write as the module says."""
    store = sqlite_store(path)
    for number in range(1, 4):
        group = entries(range(10 * number, 10 * number + 10))
        store.transact_now(lambda ledger, group=group: ledger.record(group))  # type: ignore[misc]
        print(f"committed {number}", flush=True)
    store.transact_now(stay)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
