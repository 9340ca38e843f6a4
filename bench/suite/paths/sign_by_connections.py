"""How ``POST /ca/sign`` grows with the connections that ask at once: groups share commits, and few wait for long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from bench.core import running_core
from bench.suite.load import Target, request, requests_per_second
from bench.suite.measurement import Contestant, Measure, Path, Sample, Scale
from bench.suite.supply import CertificateRequests

__all__ = ["paths"]

_CONNECTIONS = (1, 4, 16, 64, 256)
_MOST = 3000  # certificates per second


def paths(scale: Scale) -> Iterable[Path]:
    """Return the path: one core, asked by more and more."""
    with running_core() as core:
        supply = CertificateRequests()
        token = core.token()

        @contextmanager
        def asking(connections: int) -> Iterator[Measure]:
            def measure(seconds: float) -> Sample:
                bodies = supply.take(int(_MOST * seconds))
                requests = [request("POST", "/ca/sign", body, Authorization=f"Bearer {token}") for body in bodies]
                return requests_per_second(Target(core.port, core.pid, connections), requests, seconds)

            yield measure

        yield Path(
            "POST /ca/sign by connections, P-256 CA",
            "requests/s",
            tuple(Contestant(f"{number} at a time", partial(asking, number), at=number) for number in _CONNECTIONS),
            once=True,
            axis="connections",
        )
