"""The status socket: lines of JSON, for the agent's own user."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.errors import StateError
from pkid.installer.socket import StatusSocket
from pkid.installer.status import Status


class SocketTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        # The path of a socket must be short
        self.path = Path(self.enterContext(TemporaryDirectory(prefix="pkid-"))) / "status.sock"
        self.told = [
            Status(name, name, (), "/out", "missing", None, None, None, None, "none", None, False)
            for name in ("web", "two\nlines")
        ]

    def open(self, path: Path | None = None) -> StatusSocket:
        status = StatusSocket(path or self.path, lambda: self.told, reactor)
        status.open()
        status.startService()
        self.addCleanup(lambda: status.stopService() if status.running else None)
        return status

    def read(self) -> bytes:
        with socket.socket(socket.AF_UNIX) as reader:
            reader.settimeout(30)
            reader.connect(str(self.path))
            return b"".join(iter(lambda: reader.recv(4096), b""))

    async def test_everything_is_told_and_that_is_all(self) -> None:
        self.open()
        for _ in range(2):
            lines = (await deferToThread(self.read)).splitlines(keepends=True)
            self.assertEqual(lines, [status.line() for status in self.told])

    async def test_others_cannot_ask(self) -> None:
        self.open()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    async def test_it_goes_when_the_agent_goes(self) -> None:
        await self.open().stopService()
        self.assertFalse(self.path.exists())

    async def test_the_place_of_a_dead_agent_is_taken_and_that_of_a_living_one_is_not(self) -> None:
        with self.left_over():
            pass
        self.open()
        self.assertRaisesRegex(StateError, "Address already in use", self.open)
        await deferToThread(self.read)

    async def test_what_is_no_socket_is_not_touched(self) -> None:
        self.path.write_text("mine")
        self.assertRaisesRegex(StateError, "Address already in use", self.open)
        self.assertEqual(self.path.read_text(), "mine")

    async def test_a_path_that_is_too_long_is_told(self) -> None:
        self.assertRaisesRegex(StateError, "short path", self.open, self.path.with_name("x" * 120))

    @contextmanager
    def left_over(self) -> Iterator[None]:
        """Leave a socket where nobody listens, as a killed process does."""
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
            dead.listen()
            yield
