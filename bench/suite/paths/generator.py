"""The load itself, against a server that only echoes: it must send more than any path above asks of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path as File
from tempfile import TemporaryDirectory

from bench.suite.load import Target, request, requests_per_second
from bench.suite.measurement import Contestant, Measure, Path, Role, Scale
from bench.suite.peers.certificates import write_server_certificate
from bench.suite.processes import free_port, serving

__all__ = ["paths"]

_BODY = b"x" * 1000


def paths(scale: Scale) -> Iterable[Path]:
    """Return the path."""
    yield Path("The load against a bare echo", "requests/s", (Contestant("echo over TLS", _echo, Role.LIMIT),))


@contextmanager
def _echo() -> Iterator[Measure]:
    script = File(__file__).parents[1] / "servers" / "echo.py"
    with TemporaryDirectory() as name:
        port = free_port()
        certificate = write_server_certificate(File(name))
        with serving([sys.executable, str(script), str(port), str(certificate)], port) as pid:
            yield partial(requests_per_second, Target(port, pid), repeat(request("POST", "/", _BODY)))
