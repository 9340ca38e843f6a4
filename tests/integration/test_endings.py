"""`pkid` ends, whatever ends it, with a word or none, and leaves terminal and directory as they were."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Event

from tests.interop.terminal import Terminal
from tests.scripted import Step, http, scripted, silence
from tests.shell.parts import BOUNDARY_TYPE, file, write_parts
from tests.shell.program import PROGRAM, environ
from tests.support import Case

TEXT = http("é\n".encode(), 200, ("Content-Type", "text/plain"))
MORE_THAN_IS_BUFFERED = 24 << 20  # bytes

EARLY = """\
import sys
class Impatient:
    def find_spec(self, name, path, target=None):
        if name == "pkid.shell.program":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Impatient())
from pkid.shell.main import main
sys.exit(main(["help"]))
"""


class EndingCase(Case):
    def setUp(self) -> None:
        self.user = Path(self.mktemp()).absolute()
        self.user.mkdir()

    def serve(self, *steps: Step) -> list[str]:
        """Answer in a core's place; return the program with this core."""
        server = self.enterContext(scripted(*steps))
        return [*PROGRAM, "--core", server.url, "--no-tls", "--psk", ""]

    def start(self, command: list[str], **variables: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command, cwd=self.user, env=environ(self.user, **variables),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.enterContext(process)
        self.addCleanup(process.kill)
        return process


class OutputTests(EndingCase):
    def test_a_stream_that_is_closed_is_as_good_as_an_empty_one(self) -> None:
        command = ["sh", "-c", 'exec "$@" <&- >&-', "sh", *self.serve(TEXT, TEXT)]
        for arguments in ([], ["help"]):
            ended = self.start([*command, *arguments]).communicate(timeout=60)
            self.assertEqual(ended, (b"", b""))

    def test_what_a_terminal_cannot_show_is_replaced(self) -> None:
        variables = environ(self.user, PYTHONIOENCODING="ascii")
        terminal = Terminal([*self.serve(TEXT), "help"], self.user, variables)
        self.addCleanup(terminal.__exit__)
        self.assertEqual((terminal.wait(), terminal.shown), (0, "?\n"))


class SignalTests(EndingCase):
    def test_half_a_file_is_taken_away(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            begun = Event()

            def send(connection: socket.socket, request: bytes, begun: Event = begun) -> None:
                body = write_parts(file("web.key", bytes(MORE_THAN_IS_BUFFERED)))
                connection.sendall(http(body, 200, ("Content-Type", BOUNDARY_TYPE), length=2 * len(body)))
                begun.set()
                with contextlib.suppress(OSError):
                    connection.recv(1)

            process = self.start([*self.serve(send), "help"])
            self.assertTrue(begun.wait(60))
            process.send_signal(number)
            self.assertEqual(process.communicate(timeout=60), (b"", b""))
            self.assertEqual(process.returncode, 130 if number == signal.SIGINT else -number)
            self.assertEqual(list(self.user.iterdir()), [])

    def test_a_hidden_cursor_appears_again(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            terminal = self.terminal([*self.serve(silence), "help"])
            terminal.expect("the core is working")
            terminal.send(number)
            self.assertEqual(terminal.wait(), -number)
            self.assertGreater(terminal.raw.rfind("\x1b[?25h"), terminal.raw.rfind("\x1b[?25l"))

    def test_a_prompt_gives_the_terminal_back(self) -> None:
        terminal = self.terminal(self.serve(TEXT, http(b"{}")))
        terminal.expect("\n>")
        terminal.press("wor")
        terminal.expect("wor")
        terminal.press("ds")
        terminal.expect("ds")  # while it draws, or soon after
        terminal.send(signal.SIGTERM)
        self.assertEqual(terminal.wait(), -signal.SIGTERM)
        self.assertGreater(terminal.raw.rfind("\x1b[?2004l"), terminal.raw.rfind("\x1b[?2004h"))
        self.assertNotIn("Traceback", terminal.shown)

    def test_an_interrupt_before_all_is_loaded_is_quiet(self) -> None:
        process = self.start([sys.executable, "-c", EARLY])
        self.assertEqual((process.communicate(timeout=60), process.returncode), ((b"", b""), 130))

    def terminal(self, command: list[str]) -> Terminal:
        terminal = Terminal(command, self.user, environ(self.user))
        self.addCleanup(terminal.__exit__)
        return terminal
