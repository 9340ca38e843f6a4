"""A command: real processes, with an end to everything."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.installer.command import Command, CommandFailed, clean_environment
from tests.support import Case

MINUTE = timedelta(minutes=1)
ENVIRONMENT = {"PATH": os.environ["PATH"]}


class RunTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).resolve()
        self.directory.mkdir(parents=True)

    def command(self, *words: str, timeout: timedelta = MINUTE) -> Command:
        return Command(reactor, words, self.directory, timeout)

    async def failure(self, running: Deferred[None]) -> str:
        """Return the sentence with which it fails."""
        with self.assertRaises(CommandFailed) as caught:
            await running
        return str(caught.exception)

    async def test_it_runs_in_the_directory_with_the_environment_and_nothing_to_read(self) -> None:
        await self.command("sh", "-c", 'cat - > read; echo "$WORD $HOME" > told').run(ENVIRONMENT | {"WORD": "x y"})
        self.assertEqual((self.directory / "told").read_text(), "x y \n")
        self.assertEqual((self.directory / "read").read_text(), "")

    async def test_no_shell_sees_its_words(self) -> None:
        await self.command("touch", "$(id); a").run(ENVIRONMENT)
        self.assertEqual(os.listdir(self.directory), ["$(id); a"])

    async def test_a_failure_tells_the_status_and_the_last_that_was_said(self) -> None:
        said = "echo first; echo last >&2; exit 7"
        self.assertEqual(await self.failure(self.command("sh", "-c", said).run(ENVIRONMENT)),
                         "sh ended with status 7: last")  # fmt: skip
        self.assertEqual(await self.failure(self.command("sh", "-c", "kill -9 $$").run(ENVIRONMENT)),
                         "sh was ended by signal 9")  # fmt: skip

    async def test_endless_output_is_not_kept(self) -> None:
        said = "head -c 1000000 /dev/zero | tr '\\0' x; exit 1"
        self.assertLess(len(await self.failure(self.command("sh", "-c", said).run(ENVIRONMENT))), 1100)

    async def test_a_program_that_is_not_there(self) -> None:
        for name in ("no-such-program", "/no/such/program"):
            self.assertIn(f"{name} is no program", await self.failure(self.command(name).run(ENVIRONMENT)))

    async def test_its_time_ends(self) -> None:
        slow = self.command("sh", "-c", "exec sleep 1000", timeout=timedelta(milliseconds=50))
        self.assertEqual(await self.failure(slow.run(ENVIRONMENT)), "sh did not end within 0.05 seconds")

    async def test_one_that_leaves_another_behind_has_ended_all_the_same(self) -> None:
        await self.command("sh", "-c", "sleep 1000 & echo $! > pid").run(ENVIRONMENT)
        os.kill(int((self.directory / "pid").read_text()), 9)

    async def test_it_can_be_stopped(self) -> None:
        command = self.command("sh", "-c", "echo > up; exec sleep 1000")
        command.stop()
        os.mkfifo(self.directory / "up")
        running = command.run(ENVIRONMENT)
        await deferToThread((self.directory / "up").read_bytes)  # a signal before exec would meet Python's own handlers
        command.stop()
        command.stop()
        self.assertEqual(await self.failure(running), "sh was stopped")
        command.stop()


class _Deaf(MemoryReactorClock):
    """Spawns processes that note the signals that they get, and never end."""

    def spawnProcess(self, protocol: object, *arguments: object, **options: object) -> None:
        self.signals: list[str] = []
        protocol.transport = self  # type: ignore[attr-defined]
        protocol.connectionMade()  # type: ignore[attr-defined]

    def closeStdin(self) -> None: ...

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)


class DeafTests(Case):
    def test_one_that_does_not_listen_is_ended(self) -> None:
        deaf = _Deaf()
        running = Command(deaf, ["sh"], Path(), MINUTE).run(ENVIRONMENT)
        for seconds, signals in ((59.9, []), (0.1, ["TERM"]), (4.9, ["TERM"]), (0.1, ["TERM", "KILL"])):
            deaf.advance(seconds)
            self.assertEqual(deaf.signals, signals)
        self.assertNoResult(running)

    def test_the_clock_of_the_test_moves(self) -> None:
        self.assertIsInstance(_Deaf(), Clock)


class EnvironmentTests(Case):
    def test_secrets_and_the_agents_own_affairs_are_left_out(self) -> None:
        given = {
            "PATH": "/bin", "LANG": "C", "PKID_PSK": "x", "PKID_AGENT_PSK_FILE": "x", "CREDENTIALS_DIRECTORY": "x",
            "NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "1", "LISTEN_FDS": "1",
        }  # fmt: skip
        self.assertEqual(clean_environment(given), {"PATH": "/bin", "LANG": "C"})
