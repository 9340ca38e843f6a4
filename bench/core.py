"""A core of its own for a measurement, and the tokens that it accepts."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from pkid.auth.tokens import TokenSigner, derive_key

__all__ = ["ANYWHERE", "Core", "processor_seconds", "running_core"]

TICKS = os.sysconf("SC_CLK_TCK")
TWISTD = str(Path(sys.executable).with_name("twistd"))
ANYWHERE = [f"--{door}=tcp:0:interface=127.0.0.1" for door in ("https", "line", "rembus-wss")]
"""Options that open the doors at free ports of this machine."""


class Core:
    """A running core.

    :ivar state: its state directory.
    :ivar port: where it listens, on 127.0.0.1.
    :ivar pid: its process's number.
    """

    def __init__(self, process: subprocess.Popen[bytes], state: Path) -> None:
        self.state = state
        self.pid = process.pid
        self._process = process
        self.port = self.port_of("https")

    def port_of(self, door: str) -> int:
        """Return where a door listens, once it does."""
        while self._process.poll() is None:
            with suppress(FileNotFoundError, KeyError):
                lines = (self.state / "addresses").read_text().splitlines()
                return {line.split()[0]: int(line.split()[2]) for line in lines}[door]
            time.sleep(0.05)
        raise SystemExit("the core did not start")

    @property
    def authority(self) -> str:
        """The file with its CA certificate."""
        return str(self.state / "ca.crt")

    def token(self) -> str:
        """Make a token with a salt of its own, which is good for an hour; takes some milliseconds."""
        salt = os.urandom(16)
        key = derive_key((self.state / "psk").read_text().strip(), salt)
        return TokenSigner(key, salt).sign({}, int(time.time()) + 3600)

    def execute(self, line: str) -> str:
        """Run a command of the core, and return what it writes."""
        context = ssl.create_default_context(cafile=self.authority)
        connection = HTTPSConnection("localhost", self.port, context=context, timeout=600)
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "text/plain", "Accept": "text/plain"}
        connection.request("POST", "/cli/execute", line.encode(), headers)
        response = connection.getresponse()
        said = response.read().decode()
        connection.close()
        if response.status != 200:
            raise SystemExit(f"{line}: {said}")
        return said

    def processor_seconds(self) -> float:
        """Return how much processor time it has used."""
        return processor_seconds(self.pid)


def processor_seconds(pid: int) -> float:
    """Return how much processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def running_core(
    *options: str, state: Path | None = None, before: Sequence[str] = (), program: Sequence[str] = (TWISTD,)
) -> Iterator[Core]:
    """Start a core with these options of ``twistd pkid``, and end it; its doors are at ports that nobody else has.

    :param state: its state directory, if it is to outlive the core.
    :param before: options of ``twistd`` itself.
    :param program: what stands for ``twistd``.
    """
    command = [*program, "-n", "--pidfile=", *before, "pkid", *ANYWHERE]
    with TemporaryDirectory() as folder:
        state = state or Path(folder) / "state"
        (state / "addresses").unlink(missing_ok=True)
        command += ["--state", str(state), *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield Core(process, state)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
