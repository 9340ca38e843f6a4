"""A ledger of a million certificates: the first page of each documented search, memory, and the start.

The ledger is made anew each time, which takes about a minute, and is gone afterwards. `bench/search.py` measures
more of it: counts, and answers over TLS.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path as File
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred, succeed

from bench.core import running_core
from bench.search import KEEPING, LIMIT, SEARCHES, fill, first_page
from bench.suite.measurement import Contestant, Mark, Measure, Path, Sample, Scale, Skipped
from bench.suite.processes import resident_bytes
from bench.suite.starts import starting
from pkid.inventory.inventory import Inventory
from pkid.store.search import CertificateSource
from pkid.store.sqlite import open_reader, open_sqlite

__all__ = ["paths"]

_TIMES = 5
_FLAT = 1.1
_MOST = 300_000  # that are written out
_NONE = "an empty ledger"
_FEW, _ALL = "MiB after a thirtieth", "MiB at most"


def paths(scale: Scale) -> Iterable[Path]:
    """Return the paths; the ledger lives as long as it is measured."""
    with TemporaryDirectory() as folder:
        empty, state = File(folder) / "empty", File(folder) / "state"
        for each in (empty, state):
            with running_core(state=each):
                pass  # its first start makes the state directory
        fill(state / "ledger.sqlite", scale.rows)
        yield Path(
            f"First page of a search among {scale.rows} certificates",
            "first page ms",
            tuple(Contestant(text, partial(_search, state / "ledger.sqlite", text)) for text in SEARCHES),
            tuple(Mark(text, "first page ms", at_most=LIMIT * 1000) for text in SEARCHES),
            once=True,
        )
        number = min(_MOST, scale.rows)
        yield _start(f"{scale.rows} certificates", state, empty)
        yield Path(
            f"Writing out {number} of {scale.rows} certificates",
            "certificates/s",
            (Contestant("pkid", partial(_written_out, state, number)),),
            (Mark("pkid", _ALL, "pkid", at_most=_FLAT, over_figure=_FEW),),
            once=True,
        )


def _start(many: str, state: File, empty: File) -> Path:
    contestants = (
        Contestant(many, partial(starting, state, *KEEPING)),
        Contestant(_NONE, partial(starting, empty, *KEEPING)),
    )
    return Path(f"Start to ready with {many}", "start ms", contestants, (Mark(many, "start ms", _NONE, at_most=_FLAT),))


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


@contextmanager
def _written_out(state: File, number: int) -> Iterator[Measure]:
    """Let a core write out its ledger in one answer, which is read as fast as it comes, until so many came."""
    with running_core(*KEEPING, state=state) as core:

        def measure(seconds: float) -> Sample:
            context = ssl.create_default_context(cafile=core.authority)
            connection = HTTPSConnection("localhost", core.port, context=context, timeout=60)
            headers = {"Authorization": f"Bearer {core.token()}", "Content-Type": "text/plain"}
            headers["Accept"] = "application/x-ndjson"
            before = resident_bytes(core.pid)
            connection.request("POST", "/cli/execute", b"search is(certificate)", headers)
            began, read, few, most = time.perf_counter(), 0, 0, 0
            answer = connection.getresponse()
            while read < number and (piece := answer.read(1 << 18)):
                read += piece.count(b"\n")
                most = max(most, resident_bytes(core.pid))
                few = few or most * (read > number / 30)
            elapsed = time.perf_counter() - began
            connection.close()
            if read < number:
                raise Skipped(f"only {read} certificates came, with status {answer.status}")
            return {
                "certificates/s": read / elapsed,
                "MiB before": before / 2**20,
                _FEW: few / 2**20,
                _ALL: most / 2**20,
            }

        yield measure
