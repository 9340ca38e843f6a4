"""``docs/guides/broker.md`` as it stands: every command of it is typed, into the shell and at the line door."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from queue import Queue
from threading import Thread

from tests.daemon import CHECKOUT, DEADLINE, start_daemon
from tests.support import Case, require_program

GUIDE = (CHECKOUT / "docs" / "guides" / "broker.md").read_text()
PSK = "a good pre-shared key, 1"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def typed(block: str) -> list[str]:
    """Return the commands of a console, each with the lines that it goes on in."""
    return re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)


class Terminal:
    """A program that somebody types into, and reads from line by line."""

    def __init__(self, test: Case, command: str, environment: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, bufsize=1, env=environment, cwd=folder,
        )  # fmt: skip
        self._lines: Queue[str] = Queue()
        self._thread = Thread(target=self._read)
        self._thread.start()
        test.addCleanup(self.close)

    def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")

    def until(self, start: str) -> list[str]:
        """Return the lines that come, up to one that begins like this."""
        lines: list[str] = []
        while not lines or not lines[-1].startswith(start):
            lines.append(self._lines.get(timeout=DEADLINE.total_seconds()))
            if not lines[-1]:
                raise AssertionError(f"it ended before {start!r}: {lines}")
        return lines

    def close(self) -> None:
        self._process.kill()
        self._thread.join()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")


class GuideTests(Case):
    def setUp(self) -> None:
        require_program("openssl")
        daemon = start_daemon(self, "--psk", PSK, "--line", "tcp:0:interface=127.0.0.1")
        _, self.port = daemon.address("line")
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        pkid = self.folder / "pkid"
        pkid.write_text(f'#!/bin/sh\nexec {sys.executable} -m pkid.shell "$@"\n')
        pkid.chmod(0o755)
        self.environment = {
            "PATH": f"{self.folder}:{os.environ['PATH']}", "PYTHONPATH": str(CHECKOUT), "HOME": str(self.folder),
            "PKID_CORE": daemon.url, "PKID_PSK": PSK, "state": str(daemon.state), "LANG": "C.UTF-8",
        }  # fmt: skip

    def run_shell(self, command: str, input: str = "") -> str:
        """Run a command of the guide, which must work."""
        done = subprocess.run(
            ["sh", "-c", command], input=input, capture_output=True, text=True, env=self.environment, cwd=self.folder,
            timeout=DEADLINE.total_seconds(),
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
        return done.stdout

    def test_each_command_does_what_the_guide_says(self) -> None:
        components, s_client, prove, looking = blocks("console")
        (shell,), (line,) = blocks("shell"), blocks("line")
        *_, listed = [self.run_shell(command) for command in typed(components)]
        self.assertEqual(re.findall("name=([a-z]+), scheme=ed25519", listed), ["alice", "superuser"])
        self.in_the_shell(self.run_shell("pkid", shell))
        openssl = self.connect(*typed(s_client))
        self.prove(openssl, *typed(prove))
        self.on_the_line_door(openssl, line.splitlines())
        for command in typed(looking):
            self.run_shell(command)

    def in_the_shell(self, answers: str) -> None:
        told = answers.splitlines()
        self.assertEqual(told[:2], ["my_topic is private", "alice may do everything on my_topic, which is private"])
        self.assertIn("my_topic is public", told[-1])
        self.assertEqual(re.findall("allowed: (true|false)", answers), ["true", "false"])

    def connect(self, command: str) -> Terminal:
        self.assertIn("localhost:8910", command)
        command = command.replace("localhost:8910", f"localhost:{self.port}").replace("\\\n", " ")
        return Terminal(self, command, self.environment, self.folder)

    def prove(self, openssl: Terminal, command: str) -> None:
        """Carry what one terminal shows to the other, and what that writes back."""
        pasted = "".join(openssl.until("PKID 1 "))
        proving = Terminal(self, command, self.environment, self.folder)
        proving.type(pasted)
        proof = proving.until("PROVE superuser")[-1]
        openssl.type(proof.strip())
        welcome = openssl.until("WELCOME")[-1]
        self.assertTrue(welcome.startswith("WELCOME superuser proven"), welcome)
        proving.type(welcome.strip())
        self.assertIn("the core's answer is good", proving.until("pkid: ")[-1])

    def on_the_line_door(self, openssl: Terminal, lines: list[str]) -> None:
        answers: dict[str, str] = {}
        for line in lines[:-1]:
            openssl.type(line)
            answers[line] = openssl.until("OK")[-1]
        self.assertEqual(lines[0], "private_topic my_topic")
        self.assertIn("no: the topic is private", answers["explain publish my_topic +component=bob"])
        openssl.type(lines[-1])
        openssl.until("BYE left")
