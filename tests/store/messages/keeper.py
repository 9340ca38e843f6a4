"""A process that keeps messages until it is killed: ``python -m tests.store.messages.keeper FOLDER``.

Prints ``kept N`` for each message that was acknowledged, and goes on with the next; 64 are under way at any time.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from pkid.errors import PkidError
from pkid.store.messages.opening import open_broker_store
from pkid.store.opening import open_ledger
from tests.store.entries import NOON
from tests.store.messages.kept import message

WAITING = 64


def main(reactor: Any, folder: str) -> Deferred[None]:
    """Keep as the module says."""
    ledger = open_ledger(Path(folder) / "ledger.sqlite", reactor)
    opened = open_broker_store(Path(folder) / "messages.sqlite", ledger.store, reactor, lambda: NOON)
    numbers = iter(range(1, 1_000_000))

    def kept(told: Sequence[int], error: PkidError | None) -> None:
        assert error is None
        print("\n".join(f"kept {number}" for number in told), flush=True)
        for _ in told:
            opened.store.keep(message(next(numbers)), awaited=True)

    opened.store.begin(kept)
    for service in (ledger.store, *opened.services):
        service.startService()
    for _ in range(WAITING):
        opened.store.keep(message(next(numbers)), awaited=True)
    return Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
