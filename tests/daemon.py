"""The real daemon, run by a test as a child process.

Knows how to start ``twistd pkid``, how to learn that it is ready, and how to end it. It must not know
what the daemon serves, and nothing here sleeps: the daemon tells its service manager, which is the test.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from twisted.trial.unittest import SynchronousTestCase

__all__ = ["CHECKOUT", "Daemon", "DaemonFailed", "start_daemon"]

CHECKOUT = Path(__file__).resolve().parents[1]
"""The root of the checkout, which holds ``pkid`` and ``twisted/plugins``."""

DEADLINE = timedelta(seconds=60)
"""How long the daemon may take to become ready, or to end."""

_DOORS = {"pkid": ("--https", "--line", "--rembus-wss"), "pkid-metrics": ("--listen",)}
_GLANCE = timedelta(milliseconds=100)
_CLEAN_ENDS = (0, -signal.SIGTERM, -signal.SIGKILL)
_SETTINGS = ("PKID_", "REMBUS_")
_FOREIGN = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "BROKER_DB")


class DaemonFailed(AssertionError):
    """The daemon did not do what every daemon must: become ready, or end when it is asked to."""


class Daemon:
    """One ``twistd pkid`` with a state directory of its own; it can be started again after its end.

    :ivar state: the state directory, absolute.
    """

    def __init__(
        self, state: Path, *options: str, environment: Mapping[str, str] | None = None, program: str = "pkid"
    ) -> None:
        """Describe a daemon; nothing is started.

        :param state: the state directory; its parent must exist and gets the daemon's log.
        :param options: more options of the program. Each of its doors that none of them is for gets a free
            port on 127.0.0.1.
        :param environment: variables to add to the test's own, which is passed on without what configures a
            core: ``PKID_*``, ``REMBUS_*``, and what a service manager sets.
        :param program: what ``twistd`` runs.
        """
        self.state = state.resolve()
        self._program = program
        closed = [door for door in _DOORS.get(program, ()) if door not in options]
        self._options = (*(part for door in closed for part in (door, "tcp:0:interface=127.0.0.1")), *options)
        self._environment = _clean_environment() | dict(environment or {})
        self._log = self.state.with_name(f"{self.state.name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._manager = ExitStack()

    def start(self) -> None:
        """Start the daemon and wait until it is ready.

        :raises DaemonFailed: if it ends, or is not ready in time.
        """
        path, notifications = self._manager.enter_context(_service_manager())
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [_twistd(), "-n", "--pidfile=", self._program, "--state", str(self.state), *self._options],
                env=self._environment | {"NOTIFY_SOCKET": str(path)},
                cwd=self.state.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready(notifications)
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self, notifications: socket.socket) -> None:
        limit = monotonic() + DEADLINE.total_seconds()
        while monotonic() < limit:
            try:
                if "READY=1" in notifications.recv(4096).decode().splitlines():
                    return
            except TimeoutError:
                if not self.running:
                    raise DaemonFailed(f"the daemon ended at start:\n{self.output}") from None
        raise DaemonFailed(f"the daemon was not ready after {DEADLINE}:\n{self.output}")

    def stop(self) -> int:
        """Ask the daemon to end (SIGTERM), wait for it, and return its exit status; again is harmless.

        A ``twistd`` that a signal ended cleanly reports that signal: -15.

        :raises DaemonFailed: if it did not end in time; it is killed then.
        """
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End the daemon as a power cut would (SIGKILL) and return its exit status."""
        return self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        process = self._started
        process.send_signal(how)
        with self._manager:
            try:
                return process.wait(DEADLINE.total_seconds())
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise DaemonFailed(f"the daemon did not end within {DEADLINE} of {how.name}:\n{self.output}") from None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._started.pid

    @property
    def output(self) -> str:
        """Everything that the daemon wrote so far, of all its starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def address(self, door: str) -> tuple[str, int]:
        """Return the host and port on which *door* listens, as it wrote them to ``STATE/addresses``.

        :raises LookupError: if it names no such door.
        """
        for line in (self.state / "addresses").read_text().splitlines():
            name, host, port = line.split()
            if name == door:
                return host, int(port)
        raise LookupError(f"{self.state / 'addresses'} names no door {door}")

    @property
    def port(self) -> int:
        """The port of the HTTPS door, or of the only one."""
        return self.address("https" if self._program == "pkid" else self._program.removeprefix("pkid-"))[1]

    @property
    def url(self) -> str:
        """The HTTPS door, as components are told it: by the name ``localhost``."""
        return f"https://localhost:{self.port}"

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise DaemonFailed("the daemon was not started")
        return self._process


def start_daemon(
    test: SynchronousTestCase, *options: str, environment: Mapping[str, str] | None = None, program: str = "pkid"
) -> Daemon:
    """Start a daemon on a fresh state directory, and stop it when *test* is over.

    The test fails too if the daemon then turns out to have ended badly, or to have logged a traceback.

    :raises DaemonFailed: if it does not become ready.
    """
    directory = Path(test.mktemp())
    directory.mkdir(parents=True)
    daemon = Daemon(directory / "state", *options, environment=environment, program=program)
    daemon.start()
    test.addCleanup(_finish, daemon)
    return daemon


def _finish(daemon: Daemon) -> None:
    status = daemon.stop()
    if status not in _CLEAN_ENDS or "Traceback (most recent call last)" in daemon.output:
        raise DaemonFailed(f"the daemon ended with {status}:\n{daemon.output}")


@contextmanager
def _service_manager() -> Iterator[tuple[Path, socket.socket]]:
    """Listen for notifications, in the system's temporary directory, because the path of a socket must be short."""
    with TemporaryDirectory(prefix="pkid-") as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        path = Path(directory) / "notify"
        receiver.bind(str(path))
        receiver.settimeout(_GLANCE.total_seconds())
        yield path, receiver


def _twistd() -> str:
    return str(Path(sys.executable).with_name("twistd"))


def _clean_environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_SETTINGS) and k not in _FOREIGN}
    path = [str(CHECKOUT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(path)}
