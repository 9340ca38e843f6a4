"""The first page of each documented search, in a ledger of a million certificates.

`bench/search.py` measures more of it: whole answers, counts, and memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path as File
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred, succeed

from bench.core import running_core
from bench.search import LIMIT, SEARCHES, fill, first_page
from bench.suite.measurement import Contestant, Mark, Measure, Path, Sample, Scale
from pkid.inventory.inventory import Inventory
from pkid.store.search import CertificateSource
from pkid.store.sqlite import open_reader, open_sqlite

__all__ = ["paths"]

_TIMES = 5


def paths(scale: Scale) -> Iterable[Path]:
    """Return the path; the ledger lives as long as it is measured."""
    with TemporaryDirectory() as folder:
        state = File(folder) / "state"
        with running_core(state=state):
            pass  # its first start makes the state directory
        fill(state / "ledger.sqlite", scale.rows)
        yield Path(
            f"First page of a search among {scale.rows} certificates",
            "first page ms",
            tuple(Contestant(text, partial(_search, state / "ledger.sqlite", text)) for text in SEARCHES),
            tuple(Mark(text, "first page ms", at_most=LIMIT * 1000) for text in SEARCHES),
            once=True,
        )


@contextmanager
def _search(ledger: File, text: str) -> Iterator[Measure]:
    writer, engine = open_sqlite(ledger), open_reader(ledger)

    def read(work: Any, /) -> Deferred[Any]:
        with engine.connect() as connection, connection.begin():
            return succeed(work(connection))

    inventory = Inventory([CertificateSource(read)], lambda: datetime.now(UTC))

    def measure(seconds: float) -> Sample:
        taken = [1000 * first_page(inventory, text) for _ in range(_TIMES)]
        return {"first page ms": median(taken), "worst ms": max(taken)}

    yield measure
    engine.dispose()
    writer.dispose()
