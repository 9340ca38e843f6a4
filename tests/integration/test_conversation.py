"""`pkid` on a terminal, and somebody who types."""

from __future__ import annotations

from pathlib import Path
from threading import Event

from tests.integration.test_shell import PSK, ShellCase
from tests.interop.terminal import Terminal
from tests.scripted import http, scripted, silence
from tests.shell.program import PROGRAM, environ
from tests.support import Case

PROMPT = "\n>"


class ConversationTests(ShellCase):
    def terminal(self, *arguments: str, psk: str = PSK) -> Terminal:
        variables = environ(self.user, PKID_CORE=self.daemon.url, PKID_PSK=psk)
        terminal = Terminal([*PROGRAM, *arguments], self.user, variables)
        self.addCleanup(terminal.__exit__)
        return terminal

    def greeted(self, *arguments: str) -> Terminal:
        terminal = self.terminal(*arguments)
        terminal.expect("quit to leave.")
        terminal.expect(PROMPT)
        return terminal

    def test_commands_files_and_a_farewell(self) -> None:
        terminal = self.greeted()
        terminal.type("system info")
        terminal.expect("trust_domain")
        terminal.expect(PROMPT)
        terminal.type("certificate create --common-name web.example")
        for kind in ("key", "crt"):
            terminal.expect(f"Received a file web.example.{kind}, which is stored to ./web.example.{kind}")
        terminal.expect(PROMPT)
        terminal.type("nonsense")
        terminal.expect("Command >nonsense< is not known")
        terminal.expect(PROMPT)
        terminal.type("quit")
        self.assertEqual(terminal.wait(), 0, terminal.shown)
        self.assertNotIn("Traceback", terminal.shown)
        self.assertEqual((self.user / "web.example.key").stat().st_mode & 0o777, 0o600)

    def test_the_tab_key_completes_what_the_core_knows(self) -> None:
        terminal = self.greeted()
        terminal.press("cert\t")
        terminal.expect("certificate")
        terminal.press(" cr\t")
        terminal.expect("create")
        terminal.type(" --help")
        terminal.expect("--common-name")
        terminal.expect(PROMPT)
        terminal.press("\x04")
        self.assertEqual(terminal.wait(), 0, terminal.shown)

    def test_what_was_typed_is_there_the_next_time_for_its_owner_alone(self) -> None:
        terminal = self.greeted()
        terminal.type("help count")
        terminal.expect("It needs the permission")
        terminal.expect(PROMPT)
        terminal.type("exit")
        self.assertEqual(terminal.wait(), 0)
        history = self.user / ".local" / "state" / "pkid" / "history"
        self.assertEqual([history.stat().st_mode & 0o777, history.parent.stat().st_mode & 0o777], [0o600, 0o700])
        terminal = self.greeted()
        terminal.press("\x1b[A")
        terminal.expect("exit")
        terminal.press("\x1b[A")
        terminal.expect("count")

    def test_without_a_place_for_the_history_it_works_all_the_same(self) -> None:
        (self.user / ".local").write_text("")
        terminal = self.greeted()
        terminal.type("quit")
        self.assertEqual(terminal.wait(), 0, terminal.shown)

    def test_an_interrupt_at_the_prompt_drops_the_line(self) -> None:
        terminal = self.greeted()
        terminal.press("certificate create\x03")
        terminal.expect(PROMPT)
        terminal.type("help | count")
        terminal.expect("total matched")
        terminal.type("quit")
        self.assertEqual(terminal.wait(), 0, terminal.shown)

    def test_a_wrong_key_gets_no_prompt(self) -> None:
        terminal = self.terminal(psk="another pre-shared key")
        self.assertEqual(terminal.wait(), 3)
        self.assertNotIn(PROMPT, terminal.shown)

    def test_one_command_on_a_terminal_is_in_columns_and_colours(self) -> None:
        terminal = self.terminal("ca", "show")
        self.assertEqual(terminal.wait(), 0)
        self.assertRegex(terminal.shown, r"subject +CN=pkid CA")
        self.assertIn("\x1b[1m", terminal.raw)
        terminal = self.terminal("--no-color", "nonsense")
        self.assertEqual(terminal.wait(), 1)
        self.assertNotIn("\x1b[31m", terminal.raw)
        terminal = self.terminal("nonsense")
        terminal.wait()
        self.assertIn("\x1b[31mpkid: ", terminal.raw)

    def test_the_doctor_can_be_called_from_it(self) -> None:
        terminal = self.greeted()
        terminal.type(f"doctor --state {self.daemon.state}")
        terminal.expect("the clocks agree")
        terminal.expect(PROMPT)


class RunningCommandTests(Case):
    """With a server that does not answer."""

    def test_an_interrupt_ends_the_running_command_alone(self) -> None:
        asked = Event()

        def never(connection: object, request: bytes) -> None:
            asked.set()
            silence(connection, request)  # type: ignore[arg-type]

        greeting = http(b"hello", 200, ("Content-Type", "text/plain"))
        with scripted(greeting, http(b"{}"), never, greeting) as server:
            arguments = [*PROGRAM, "--core", server.url, "--no-tls", "--psk", ""]
            home = Path(self.mktemp()).absolute()
            home.mkdir(parents=True)
            with Terminal(arguments, home, environ(home)) as terminal:
                terminal.expect("hello")
                terminal.expect(PROMPT)
                terminal.type("endless")
                terminal.expect("the core is working")
                self.assertTrue(asked.wait(60))
                terminal.interrupt()
                terminal.expect(PROMPT)
                terminal.type("welcome")
                terminal.expect("hello")
                terminal.type("quit")
                self.assertEqual(terminal.wait(), 0, terminal.shown)
