"""``twistd pkid-agent``, run by a test beside a real core."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic
from typing import Any

from cryptography import x509

from tests.daemon import DEADLINE, Daemon, start_daemon
from tests.support import Case

__all__ = ["PSK", "AgentCase", "AgentProcess"]

PSK = "a good pre-shared key, 1"


class AgentProcess(Daemon):
    """One ``twistd pkid-agent``."""

    def __init__(self, state: Path, config: Path) -> None:
        super().__init__(state, "--config", str(config), program="pkid-agent")

    def status(self) -> list[dict[str, Any]]:
        """Return what it tells of each certificate."""
        with socket.socket(socket.AF_UNIX) as reader:
            reader.settimeout(DEADLINE.total_seconds())
            reader.connect(str(self.state / "status.sock"))
            return [json.loads(line) for line in reader.makefile("rb")]

    def hang_up(self) -> None:
        """Let it read its file again."""
        os.kill(self.pid, signal.SIGHUP)


class AgentCase(Case):
    """Has a core, and an agent that is not started yet."""

    core_options: tuple[str, ...] = ()
    patience = DEADLINE

    def setUp(self) -> None:
        self.core = start_daemon(self, "--psk", PSK, "--strict-tokens", *self.core_options)
        self.folder = Path(self.enterContext(TemporaryDirectory(prefix="pkid-")))  # the path of a socket must be short
        self.config = self.folder / "agent.toml"
        self.agent = AgentProcess(self.folder / "agent", self.config)

    def configure(self, *tables: str) -> None:
        """Write the agent's file."""
        general = f'core = "{self.core.url}"\npsk = "{PSK}"\n'
        self.config.write_text(general + "".join(f"[[certificate]]\n{table}\n" for table in tables))

    def table(self, name: str, more: str = "") -> str:
        return f'name = "{name}"\ncommon-name = "{name}.example"\nout = "{name}"\n{more}'

    def start(self) -> None:
        self.agent.start()
        self.addCleanup(self.finish)

    def finish(self) -> None:
        if self.agent.running:
            self.agent.stop()
        self.assertNotIn("Traceback", self.agent.output)
        self.assertNotIn(PSK, self.agent.output)

    def wait(self, what: Callable[[], object]) -> None:
        """Wait until something is so."""
        limit = monotonic() + self.patience.total_seconds()
        while not what():
            self.assertLess(monotonic(), limit, self.agent.output)
            Event().wait(0.05)

    def wait_until_well(self, count: int) -> None:
        self.wait(lambda: [status["ok"] for status in self.agent.status()] == [True] * count)

    def certificate(self, name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / name / "cert.pem").read_bytes())
