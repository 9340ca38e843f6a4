"""The load itself, against servers that only echo: it must send more than any other path asks of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path as File
from tempfile import TemporaryDirectory

from bench.suite.brokers import Broker, running_pipe, running_relay
from bench.suite.dialects.line import LineDialect
from bench.suite.fan_out import FanOut, deliveries_per_second
from bench.suite.load import Target, request, requests_per_second
from bench.suite.measurement import WARM_UP, Contestant, Measure, Path, Role, Scale
from bench.suite.peers.certificates import write_server_certificate
from bench.suite.processes import free_port, serving

__all__ = ["paths"]

_NOTE = "This is what the load can do: what the other paths measure with it is slower, or is the load itself."
_BODY = b"x" * 1000
_Start = Callable[[], AbstractContextManager[Broker[LineDialect]]]


def paths(scale: Scale) -> Iterable[Path]:
    """Return the paths: requests, and messages in batches and in writes of one."""
    echo = Contestant("echo over TLS", _echo, Role.LIMIT)
    yield Path("The load of requests against a bare echo", "requests/s", (echo,), note=_NOTE, warm_up=WARM_UP)
    for batch, how in ((64, "in batches"), (1, "one for each write")):
        load = FanOut(batch=batch)
        pipe = Contestant("pipe over TLS", partial(_messages, running_pipe, load), Role.LIMIT)
        relay = Contestant("bare relay", partial(_messages, running_relay, load), Role.LIMIT)
        yield Path(
            f"The load of messages against a bare pipe, {how}", "deliveries/s", (pipe, relay), once=True, note=_NOTE
        )


@contextmanager
def _echo() -> Iterator[Measure]:
    script = File(__file__).parents[1] / "servers" / "echo.py"
    with TemporaryDirectory() as name:
        port, certificate = free_port(), write_server_certificate(File(name))
        with serving([sys.executable, str(script), str(port), str(certificate)], port) as pid:
            yield partial(requests_per_second, Target(port, pid), repeat(request("POST", "/", _BODY)))


@contextmanager
def _messages(start: _Start, load: FanOut) -> Iterator[Measure]:
    with start() as broker:
        yield partial(deliveries_per_second, broker, load)
