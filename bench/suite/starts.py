"""Starts: from the command to the moment at which a core tells its service manager that it is ready.

pkid is compiled first, as pip compiles what it installs, twistd among it: a checkout may be without bytecode, always
where ``PYTHONDONTWRITEBYTECODE`` is set, and Python would compile three hundred modules at each start.
"""

from __future__ import annotations

import compileall
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pkid
from bench.core import ANYWHERE, TWISTD
from bench.suite.measurement import Measure, Sample

__all__ = ["several", "starting"]

_PATIENCE = 60.0  # seconds


@contextmanager
def starting(state: Path, *options: str) -> Iterator[Measure]:
    """Yield what measures starts on a state directory, which exists."""
    compileall.compile_dir(Path(pkid.__file__).parent, quiet=1)
    with TemporaryDirectory() as folder:
        yield partial(several, lambda: _start(state, Path(folder) / "notify", options))


def several(run: Callable[[], float], seconds: float) -> Sample:
    """Run something, once at least, until so many seconds are over; return the median of those that it says it took."""
    taken, end = [run()], time.monotonic() + seconds
    while time.monotonic() < end:
        taken.append(run())
    return {"start ms": 1000 * median(taken)}


def _start(state: Path, address: Path, options: Sequence[str]) -> float:
    """Start a core, wait until it is ready, and end it; return the seconds."""
    command = [TWISTD, "-n", "--pidfile=", "pkid", *ANYWHERE, "--state", str(state), *options]
    environment = os.environ | {"NOTIFY_SOCKET": str(address)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        address.unlink(missing_ok=True)
        notifications.bind(str(address))
        notifications.settimeout(_PATIENCE)
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        while b"READY=1" not in notifications.recv(4096):
            pass
        taken = time.perf_counter() - began
        process.send_signal(signal.SIGTERM)
        process.wait()
    return taken
