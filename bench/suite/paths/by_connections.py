"""How ``GET /ca/cert`` and ``POST /ca/sign`` grow with the connections that ask at once, up to 10,000.

Each connection has one request under way. They come from several addresses of this machine, 500 from each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import repeat

from bench.core import running_core
from bench.suite.load import Target, request, requests_per_second
from bench.suite.measurement import Contestant, Path, Role, Sample, Scale
from bench.suite.paths.get_ca_cert import running_bare_web
from bench.suite.processes import open_many_files
from bench.suite.supply import CertificateRequests

__all__ = ["paths"]

_CONNECTIONS = (1, 10, 100, 1000, 10_000)
_MOST = 2000  # certificates per second
_WHY = """\
What comes while a group is committed is the next group, of 64 at most, so that more connections share a commit. When
1,024 wait, others are told to come again (503), and those do not ask any more here.""".replace("\n", " ")
_Ask = Callable[[Target, float], Sample]


def paths(scale: Scale) -> Iterable[Path]:
    """Return the paths: a core, and beside it a bare server, asked by more and more."""
    open_many_files()
    numbers, few = scale.points(*_CONNECTIONS), scale.points(*_CONNECTIONS[:-1])
    with running_core() as core, running_bare_web() as bare:
        web = Target(core.port, core.pid)
        contestants = [*_points("pkid", web, _fetch, numbers), *_points("bare", bare, _fetch, few, Role.LIMIT)]
        yield _curve("GET /ca/cert by connections", "requests/cpu-s", contestants)
        sign = partial(_sign, CertificateRequests(), core.token())
        yield _curve("POST /ca/sign by connections, P-256 CA", "requests/s", _points("pkid", web, sign, numbers), _WHY)


def _curve(title: str, figure: str, contestants: Iterable[Contestant], why: str = "") -> Path:
    return Path(title, figure, tuple(contestants), once=True, axis="connections", why=why)


def _points(
    name: str, target: Target, ask: _Ask, numbers: Iterable[int], role: Role = Role.PKID
) -> Iterator[Contestant]:
    for number in numbers:
        running = partial(nullcontext, partial(ask, replace(target, connections=number)))
        yield Contestant(f"{name}, {number}", running, role, number)


def _fetch(target: Target, seconds: float) -> Sample:
    return requests_per_second(target, repeat(request("GET", "/ca/cert")), seconds)


def _sign(supply: CertificateRequests, token: str, target: Target, seconds: float) -> Sample:
    bodies = supply.take(target.connections + int(_MOST * seconds))
    requests = [request("POST", "/ca/sign", body, Authorization=f"Bearer {token}") for body in bodies]
    return requests_per_second(target, requests, seconds)
