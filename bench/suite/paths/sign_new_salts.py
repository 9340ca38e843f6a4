"""``POST /ca/sign`` with a new salt in every token: the way of the original's components."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path as File
from tempfile import TemporaryDirectory

from bench.core import running_core
from bench.suite.bystander import beside
from bench.suite.load import Target, request, requests_per_second
from bench.suite.measurement import WARM_UP, Contestant, Mark, Measure, Path, Role, Sample, Scale
from bench.suite.peers.certificates import write_server_certificate
from bench.suite.peers.environment import peers_python
from bench.suite.processes import Apart, free_port, serving
from bench.suite.supply import CertificateRequests, fresh_tokens
from pkid.auth.tokens import derive_key

__all__ = ["paths"]

_MOST = 90  # tokens per second and processor: more than this nobody checks here
_LIMIT = "all processors: PBKDF2"
_ORIGINAL = "the original's way"
_PSK = "a pre-shared key of the benchmark"


def paths(scale: Scale) -> Iterable[Path]:
    """Return the path."""
    yield Path(
        "POST /ca/sign, a new salt in every token, RSA-2048 CA",
        "requests/s",
        (
            Contestant("pkid", _pkid),
            Contestant(_ORIGINAL, _original, Role.PEER),
            Contestant(_LIMIT, _derivations, Role.LIMIT),
        ),
        (
            Mark("pkid", "requests/s", _LIMIT, at_least=0.8),
            Mark("pkid", "requests/s", _ORIGINAL, at_least=3),
            Mark("pkid", "ping p99 ms", at_most=20),
        ),
        warm_up=WARM_UP,
    )


@contextmanager
def _pkid() -> Iterator[Measure]:
    with running_core("--ca-key-type", "rsa2048") as core:
        yield partial(_send, Target(core.port, core.pid), core.state, CertificateRequests())


@contextmanager
def _original() -> Iterator[Measure]:
    script = File(__file__).parents[1] / "servers" / "original.py"
    with TemporaryDirectory() as name:
        folder, port, supply = File(name), free_port(), CertificateRequests()
        (folder / "psk").write_text(_PSK)
        command = [peers_python(), str(script), str(port), str(write_server_certificate(folder)), _PSK]
        with serving(command, port) as pid:
            yield partial(_send, Target(port, pid), folder, supply)


def _send(target: Target, state: File, supply: CertificateRequests, seconds: float) -> Sample:
    count = int(_MOST * seconds * (os.cpu_count() or 1))
    pairs = zip(supply.take(count), fresh_tokens(state, count), strict=False)
    requests = [request("POST", "/ca/sign", body, Authorization=f"Bearer {token}") for body, token in pairs]
    return beside(target.port, "/system/ping", seconds, partial(requests_per_second, target, requests, seconds))


@contextmanager
def _derivations() -> Iterator[Measure]:
    yield _derive_everywhere


def _derive_everywhere(seconds: float) -> Sample:
    parts = [Apart(_derive, seconds) for _ in range(os.cpu_count() or 1)]
    results = [part.result() for part in parts]
    return {
        "requests/s": sum(done / elapsed for done, elapsed, _ in results),
        "requests/cpu-s": sum(done for done, _, _ in results) / sum(used for _, _, used in results),
    }


def _derive(seconds: float) -> tuple[int, float, float]:
    began, used, done = time.perf_counter(), time.process_time(), 0
    for salt in cycle([os.urandom(16)]):
        derive_key(_PSK, salt)
        done += 1
        if time.perf_counter() - began > seconds:
            break
    return done, time.perf_counter() - began, time.process_time() - used
