"""From the command to readiness, on a state that exists, beside the time in which twistd prints its help.

pkid is compiled first, as pip compiles what it installs, twistd among it: a checkout may be without bytecode, always
where ``PYTHONDONTWRITEBYTECODE`` is set, and Python would compile three hundred modules at each start.
"""

from __future__ import annotations

import compileall
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path as File
from statistics import median
from tempfile import TemporaryDirectory

import pkid
from bench.core import ANYWHERE, running_core
from bench.suite.measurement import Contestant, Mark, Measure, Path, Role, Sample, Scale

__all__ = ["paths"]

_HELP = "twistd --help"
_TWISTD = str(File(sys.executable).with_name("twistd"))


def paths(scale: Scale) -> Iterable[Path]:
    """Return the path."""
    yield Path(
        "Start to ready, existing state",
        "start ms",
        (Contestant("pkid", _pkid), Contestant(_HELP, _help, Role.LIMIT)),
        (Mark("pkid", "start ms", _HELP, at_most=4),),
    )


@contextmanager
def _pkid() -> Iterator[Measure]:
    compileall.compile_dir(File(pkid.__file__).parent, quiet=1)
    with TemporaryDirectory() as folder:
        state = File(folder) / "state"
        with running_core(state=state):
            pass  # the first start makes the state
        yield lambda seconds: _several(lambda: _start(state, File(folder) / "notify"))


@contextmanager
def _help() -> Iterator[Measure]:
    def run() -> float:
        began = time.perf_counter()
        subprocess.run([_TWISTD, "--help"], stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began

    yield lambda seconds: _several(run)


def _several(run: object) -> Sample:
    assert callable(run)
    return {"start ms": 1000 * median(run() for _ in range(3))}


def _start(state: File, address: File) -> float:
    """Start a core, wait until it tells its service manager that it is ready, and end it; return the seconds."""
    command = [_TWISTD, "-n", "--pidfile=", "pkid", *ANYWHERE, "--state", str(state)]
    environment = os.environ | {"NOTIFY_SOCKET": str(address)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        address.unlink(missing_ok=True)
        notifications.bind(str(address))
        notifications.settimeout(30)
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        while b"READY=1" not in notifications.recv(4096):
            pass
        taken = time.perf_counter() - began
        process.send_signal(signal.SIGTERM)
        process.wait()
    return taken
