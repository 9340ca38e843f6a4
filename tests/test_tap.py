"""The command line of the daemon: its options, its help, and how it ends when they are wrong."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock, patch

from twisted.application.service import Service
from twisted.logger import eventAsText
from twisted.python.usage import UsageError
from twisted.scripts._twistd_unix import ServerOptions

from pkid import __version__
from pkid.garbage import spare_what_is_loaded
from pkid.log import stdout_observer
from pkid.settings.auth import DEFAULTS, Chosen
from pkid.settings.table import CORE
from pkid.tap import Options, makeService
from tests.support import Case

GOOD = "a good pre-shared key, 1"
ROOT = Path(__file__).parent.parent


class TapCase(Case):
    def setUp(self) -> None:
        self.patch(os, "environ", {"HOME": "/home/me", "COLUMNS": "80"})

    def parse(self, *arguments: str) -> Options:
        options = Options()
        options.parseOptions(list(arguments))
        return options

    def refused(self, *arguments: str) -> str:
        with self.assertRaises(UsageError) as caught:
            self.parse(*arguments)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        return message


class OptionsTests(TapCase):
    def test_an_unknown_option_may_be_like_one_that_there_is(self) -> None:
        self.assertEqual(
            self.refused("--leaf-lifetme=1d"), "option --leaf-lifetme not recognized; did you mean --leaf-lifetime?"
        )
        self.assertEqual(self.refused("--zzz"), "option --zzz not recognized")
        self.assertEqual(self.refused("--line"), "option --line requires argument")

    def test_nothing_given(self) -> None:
        settings = self.parse().settings
        self.assertEqual((settings.state, settings.https), (Path("/home/me/.local/state/pkid"), "tcp:8900"))

    def test_values_and_flags(self) -> None:
        settings = self.parse("--psk", GOOD, "--no-tls", "--leaf-lifetime=30d", "--https", "tcp:1").settings
        self.assertEqual((settings.psk, settings.psk_source), (GOOD, "--psk"))
        self.assertEqual((settings.tls, settings.strict_tokens), (False, False))
        self.assertEqual((settings.leaf_lifetime, settings.https), (timedelta(days=30), "tcp:1"))

    def test_values_are_not_shown(self) -> None:
        self.assertNotIn(GOOD, repr(self.parse("--psk", GOOD)))

    def test_environment(self) -> None:
        os.environ["PKID_TRUST_DOMAIN"] = "example.org"
        self.assertEqual(self.parse().settings.trust_domain, "example.org")
        self.assertEqual(self.parse("--trust-domain", "example.com").settings.trust_domain, "example.com")

    def test_files(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "pkid.toml").write_text('psk-file = "key"\n')
        (directory / "key").write_text(f"{GOOD}\n")
        self.assertEqual(self.parse("-c", str(directory / "pkid.toml")).settings.psk, GOOD)

    def test_relative_paths_start_at_the_working_directory(self) -> None:
        self.assertEqual(self.parse("--state", "s").settings.state, Path.cwd() / "s")

    def test_several_ways_to_prove_a_name(self) -> None:
        os.environ["PKID_AUTH"] = "none"
        settings = self.parse("--auth", "keydir:keys", "--auth=file:/names").settings
        more = (Chosen("keydir", str(Path.cwd() / "keys")), Chosen("file", "/names"))
        self.assertEqual(settings.auth, (*DEFAULTS, *more))
        self.assertEqual(self.parse().settings.auth, ())

    def test_help_about_the_kinds_of_checkers(self) -> None:
        for arguments, expected in ((["--help-auth"], "keydir"), (["--help-auth-type", "psk"], "A component proves")):
            said = io.StringIO()
            self.patch(Options, "authOutput", said)
            self.assertRaises(SystemExit, self.parse, *arguments)
            self.assertIn(expected, said.getvalue())
        self.assertNotIn("anonymous", said.getvalue())

    def test_files_without_an_end(self) -> None:
        self.assertIn("cannot read /dev/zero: File too large", self.refused("--psk-file", "/dev/zero"))

    def test_wrong_settings(self) -> None:
        self.assertEqual(self.refused("--ca-key-type", "dsa")[:31], "--ca-key-type must be one of p2")

    def test_options_that_do_not_exist(self) -> None:
        for option in ("store", "bus", "rembus-udp"):
            self.assertTrue(self.refused(f"--{option}=x").startswith(f"option --{option} not recognized"), option)

    def test_flags_take_no_value(self) -> None:
        self.assertEqual(self.refused("--no-tls=false"), "option --no-tls must not have an argument")

    def test_pieces_of_an_unquoted_key(self) -> None:
        message = self.refused("--psk", "correct", "horse", "battery")
        self.assertEqual(message, "2 arguments belong to no option; quote a value that holds spaces")

    def test_errors_do_not_hold_the_key(self) -> None:
        try:
            self.parse("--psk", "hunter2")
        except UsageError as error:
            self.assertNotIn("hunter2", str(error))
            self.assertIsNone(error.__cause__)
            self.assertTrue(error.__suppress_context__)
        else:
            self.fail("a weak key was accepted")

    def test_version(self) -> None:
        with patch("builtins.print") as printed, self.assertRaises(SystemExit) as caught:
            self.parse("--version")
        printed.assert_called_once_with(f"pkid {__version__}")
        self.assertEqual(caught.exception.code, 0)


class LogTests(TapCase):
    """Which observer ``twistd`` writes its log with."""

    def chosen(self, *arguments: str) -> object:
        twistd = ServerOptions()
        twistd.parseOptions([*arguments, "--pidfile=", "pkid"])
        return twistd["logger"]

    def test_in_the_foreground_it_is_ours(self) -> None:
        self.assertIs(self.chosen("-n"), stdout_observer)
        self.assertIs(self.chosen("-n", "--logfile=-"), stdout_observer)

    def test_elsewhere_it_is_twisteds(self) -> None:
        for options in ((), ("-n", "--logfile=x.log"), ("-n", "--syslog")):
            self.assertIsNone(self.chosen(*options))

    def test_the_operators_choice_stands(self) -> None:
        self.assertIs(self.chosen("-n", "--logger=twisted.logger.eventAsText"), eventAsText)


class HelpTests(TapCase):
    def test_every_setting_with_its_value_and_default(self) -> None:
        text = " ".join(str(Options()).split())
        for setting in CORE.settings:
            option = f"{setting.flag} {setting.metavar}".rstrip()
            default = f" [{setting.default}]" if setting.metavar and setting.default else ""
            self.assertIn(f"{option} {setting.help}{default}", text)

    def test_it_fits_a_terminal(self) -> None:
        for line in str(Options()).splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_odd_terminals(self) -> None:
        for columns in ("", "1", "wide"):
            os.environ["COLUMNS"] = columns
            self.assertIn("--leaf-lifetime TIME", str(Options()))

    def test_it_holds_no_given_value(self) -> None:
        self.assertNotIn(GOOD, str(self.parse("--psk", GOOD)))


class MakeServiceTests(TapCase):
    def test_the_settings_become_the_service(self) -> None:
        from twisted.internet import reactor

        self.patch(reactor, "seconds", reactor.seconds)
        begun: list[object] = []
        self.patch(reactor, "callWhenRunning", begun.append)
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        service = Service()
        make_service = Mock(return_value=service)
        module = ModuleType("pkid.service")
        module.make_service = make_service  # type: ignore[attr-defined]
        options = self.parse("--https", "tcp:1")
        with patch.dict(sys.modules, {"pkid.service": module}):
            self.assertIs(makeService(options), service)
        self.assertIs(reactor.seconds, time.monotonic)
        self.assertIs(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)
        make_service.assert_called_once_with(options.settings, reactor, options.resolve)
        self.assertEqual(begun, [spare_what_is_loaded])


class ProcessTests(Case):
    """What the real programs print, and their exit status."""

    def run_program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [sys.executable, *arguments], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )

    def twistd(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        start = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
        return self.run_program("-c", start, *arguments)

    def test_twistd_prints_the_help(self) -> None:
        ended = self.twistd("pkid", "--help")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertTrue(ended.stdout.startswith("Usage: twistd [options] pkid [options]\n"), ended.stdout)

    def test_twistd_prints_the_way_to_the_help_and_one_line_about_a_mistake(self) -> None:
        ended = self.twistd("-n", "--pidfile=", "pkid", "--leaf-lifetime", "1")
        self.assertEqual((ended.returncode, ended.stderr), (1, ""))
        usage, help, last = ended.stdout.splitlines()
        self.assertEqual(usage, "Usage: twistd [options]")
        self.assertEqual(help, "twistd pkid --help explains every option.")
        self.assertTrue(last.startswith("twistd -n: --leaf-lifetime must be a number and a unit"), last)

    def test_twist_does_the_same(self) -> None:
        ended = self.run_program("-m", "twisted", "pkid", "--leaf-lifetime", "1")
        self.assertEqual((ended.returncode, ended.stdout), (os.EX_USAGE, ""))
        self.assertTrue(ended.stderr.startswith("Error: --leaf-lifetime must be a number and a unit"), ended.stderr)
        self.assertIn("twistd pkid --help explains every option.", ended.stderr)

    def test_parsing_needs_no_reactor(self) -> None:
        program = """
import sys
import time
from pkid.tap import Options
Options().parseOptions(["--https", "tcp:0"])
sys.exit("twisted.internet.reactor" in sys.modules)
"""
        ended = self.run_program("-c", program)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
