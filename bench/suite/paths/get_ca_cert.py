"""``GET /ca/cert`` over kept connections, beside a bare resource of twisted.web."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path as File
from tempfile import TemporaryDirectory

from bench.core import running_core
from bench.suite.bystander import beside
from bench.suite.load import Target, request, requests_per_second
from bench.suite.measurement import WARM_UP, Contestant, Mark, Measure, Path, Role, Sample, Scale
from bench.suite.peers.certificates import write_authority, write_server_certificate
from bench.suite.processes import free_port, serving
from pkid.ca.keys import KeyType

__all__ = ["paths", "running_bare_web"]

_BARE = "bare twisted.web"


def paths(scale: Scale) -> Iterable[Path]:
    """Return the path."""
    yield Path(
        "GET /ca/cert over TLS",
        "requests/cpu-s",
        (Contestant("pkid", _pkid), Contestant(_BARE, _bare, Role.LIMIT)),
        (Mark("pkid", "requests/cpu-s", _BARE, at_least=0.7),),
        warm_up=WARM_UP,
    )


@contextmanager
def _pkid() -> Iterator[Measure]:
    with running_core() as core:
        yield partial(_get, Target(core.port, core.pid))


@contextmanager
def running_bare_web() -> Iterator[Target]:
    """Run a bare resource of twisted.web, with a body of the same size."""
    script = File(__file__).parents[1] / "servers" / "bare_web.py"
    with TemporaryDirectory() as name:
        folder, port = File(name), free_port()
        body, _ = write_authority(folder, KeyType.P256)
        with serving(
            [sys.executable, str(script), str(port), str(write_server_certificate(folder)), str(body)], port
        ) as pid:
            yield Target(port, pid)


@contextmanager
def _bare() -> Iterator[Measure]:
    with running_bare_web() as target:
        yield partial(_get, target)


def _get(target: Target, seconds: float) -> Sample:
    send = partial(requests_per_second, target, repeat(request("GET", "/ca/cert")), seconds)
    return beside(target.port, "/system/ping", seconds, send)
