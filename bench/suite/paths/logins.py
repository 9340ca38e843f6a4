"""Logins on the line door, each over a new TLS connection, beside bare handshakes of Twisted's.

What a login costs is told best by the server's processor time, because the visitors need as much of the processors as
it does: each signs, derives or shows something of its own, which no generator can have made before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import repeat

from bench.core import Core, running_core
from bench.kinds import Kind, enroll
from bench.suite.measurement import WARM_UP, Contestant, Mark, Measure, Path, Role, Sample, Scale
from bench.suite.processes import Apart
from bench.suite.visits import Entering, bare_handshakes, say_a_line, say_nothing, visits_per_second
from bench.wire import Address
from pkid.auth.own_credential import OwnPreSharedKey
from pkid.auth.tokens import derive_key

__all__ = ["paths"]

_VISITORS = 4
_FIGURE = "logins/cpu-s"
_RATES = ("logins/s", _FIGURE)
_HANDSHAKES, _MUTUAL, _DERIVATIONS = "bare handshakes", "bare mutual handshakes", "all processors: PBKDF2"
_LINES, _MUTUAL_LINES = (f"{each}, a signature, two lines each way" for each in (_HANDSHAKES, _MUTUAL))
_NEW_SALT = "psk, new salt"
_MOST_DERIVED = 90  # per second and processor: more than this nobody derives here


def paths(scale: Scale) -> Iterable[Path]:
    """Return the path: one core, which knows all visitors."""
    with running_core() as core:
        address = Address("127.0.0.1", core.port_of("line"), core.authority)
        visitors = [enroll(core, f"-{number}") for number in range(_VISITORS)]
        limits = {word: _MUTUAL if word == "certificate" else _HANDSHAKES for word in visitors[0]}
        kinds = [
            Contestant(word, partial(_same, address, core.pid, [each[word] for each in visitors])) for word in limits
        ]
        shown = [each["certificate"] for each in visitors]
        yield Path(
            "Logins over new TLS connections",
            _FIGURE,
            (
                *kinds,
                Contestant(_NEW_SALT, partial(_new_salts, address, core)),
                Contestant(_HANDSHAKES, partial(_bare, core, [visitors[0]["psk"]] * _VISITORS), Role.LIMIT),
                Contestant(_MUTUAL, partial(_bare, core, shown, mutual=True), Role.LIMIT),
                Contestant(_LINES, partial(_bare, core, [visitors[0]["psk"]] * _VISITORS, say_a_line), Role.LIMIT),
                Contestant(_MUTUAL_LINES, partial(_bare, core, shown, say_a_line, mutual=True), Role.LIMIT),
                Contestant(_DERIVATIONS, _derivations, Role.LIMIT),
            ),
            (
                *(Mark(word, each, limit, at_least=0.8) for each in _RATES for word, limit in limits.items()),
                *(Mark(word, _FIGURE, _MUTUAL_LINES if limit is _MUTUAL else _LINES) for word, limit in limits.items()),
                Mark(_NEW_SALT, _FIGURE, _DERIVATIONS, at_least=0.8),
            ),
            warm_up=WARM_UP,
        )


@contextmanager
def _same(address: Address, pid: int, visitors: Sequence[Kind]) -> Iterator[Measure]:
    yield lambda seconds: visits_per_second(address, pid, [repeat(each) for each in visitors], seconds)


@contextmanager
def _new_salts(address: Address, core: Core) -> Iterator[Measure]:
    secret = (core.state / "psk").read_text().strip()

    def measure(seconds: float) -> Sample:
        count = int(_MOST_DERIVED * seconds * (os.cpu_count() or 1)) // _VISITORS
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            visitors = [
                list(pool.map(partial(_newly_salted, secret), repeat(f"bench-{number}", count)))
                for number in range(_VISITORS)
            ]
        return visits_per_second(address, core.pid, visitors, seconds)

    yield measure


def _newly_salted(secret: str, component: str) -> Kind:
    return Kind(component, OwnPreSharedKey.derive("default", secret, os.urandom(16)))


@contextmanager
def _bare(
    core: Core, visitors: Sequence[Kind], enter: Entering = say_nothing, *, mutual: bool = False
) -> Iterator[Measure]:
    with bare_handshakes(core, mutual=mutual) as (address, pid):
        visits = partial(visits_per_second, address, pid, [repeat(each) for each in visitors], enter=enter)
        yield lambda seconds: visits(seconds)


@contextmanager
def _derivations() -> Iterator[Measure]:
    def measure(seconds: float) -> Sample:
        parts = [Apart(_derive, seconds) for _ in range(os.cpu_count() or 1)]
        results = [part.result() for part in parts]
        return {
            "logins/s": sum(done / elapsed for done, elapsed, _ in results),
            _FIGURE: sum(done for done, _, _ in results) / sum(used for _, _, used in results),
        }

    yield measure


def _derive(seconds: float) -> tuple[int, float, float]:
    """Return how many keys were derived, in how many seconds, of time and of a processor."""
    began, used, done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < seconds:
        derive_key("a pre-shared key of the benchmark", os.urandom(16))
        done += 1
    return done, time.perf_counter() - began, time.process_time() - used
