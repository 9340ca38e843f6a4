"""The command line of the agent: its options, its help, and what it makes of them."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from twisted.python.usage import UsageError

from pkid.files import read_small
from pkid.installer.service import Agent
from pkid.installer.settings import resolve
from pkid.installer.table import AGENT, CERTIFICATE
from pkid.installer.tap import Options, makeService
from tests.support import Case

ROOT = Path(__file__).parents[2]
ONE = ("--psk", "a good pre-shared key, 1", "--common-name", "web.example", "--out", "/out")


class OptionsTests(Case):
    def setUp(self) -> None:
        self.patch(os, "environ", {"HOME": "/home/me", "COLUMNS": "80"})

    def parse(self, *arguments: str) -> Options:
        options = Options()
        options.parseOptions(list(arguments))
        return options

    def test_settings(self) -> None:
        (wanted,) = self.parse(*ONE, "--combined").settings.certificates
        self.assertEqual((wanted.name, wanted.directory, len(wanted.links)), ("web.example", Path("/out"), 6))

    def test_a_mistake_is_one_line(self) -> None:
        with self.assertRaisesRegex(UsageError, "--common-name is needed"):
            self.parse(*ONE[:2])

    def test_they_can_be_found_anew(self) -> None:
        file = Path(self.mktemp())
        file.write_text('psk = "one of them, 1234567"\ncommon-name = "web.example"\nout = "/out"\n')
        options = self.parse("--config", str(file))
        file.write_text(file.read_text().replace("/out", "/other"))
        (wanted,) = options.resolve().certificates
        self.assertEqual(wanted.directory, Path("/other"))

    def test_the_help_explains_every_setting_within_eighty_columns(self) -> None:
        text = Options().getUsage()
        for setting in AGENT.settings:
            self.assertRegex(text, rf"(?m)^  (-., )?{setting.flag}\b")
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        told = re.sub(r"\s+", " ", text)
        for setting in CERTIFICATE:
            self.assertIn(f"{setting.name},", told.replace("timeout;", "timeout,"))

    def test_the_service(self) -> None:
        import signal

        from twisted.internet import reactor

        self.patch(reactor, "seconds", reactor.seconds)
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        self.assertIsInstance(makeService(self.parse(*ONE)), Agent)


class ExampleTests(Case):
    """The commented example, etc/pkid-agent.toml."""

    def test_it_names_every_setting_and_can_be_used(self) -> None:
        text = (ROOT / "etc" / "pkid-agent.toml").read_text()
        shown = set(re.findall(r"(?m)^#([a-z-]+) = ", text)) | set(re.findall(r"(?m)^([a-z-]+) = ", text))
        wanted = {setting.name for setting in AGENT.settings if setting.in_file} | {"files"}
        self.assertEqual(shown, wanted)
        tomllib.loads(text)
        uncommented = re.sub(r"(?m)^#([a-z-]+ = .*)$", r"\1", text)
        values = tomllib.loads(uncommented)
        self.assertEqual(len(values["certificate"]), 2)

    def test_as_it_stands_it_describes_certificates(self) -> None:
        text = (ROOT / "etc" / "pkid-agent.toml").read_text()
        path = Path(self.mktemp()).resolve()
        text = text.replace("psk-file", "psk = 'a good pre-shared key, 1' #").replace('"postgres"', '"0"')
        path.write_text(text)
        settings = resolve({"config": str(path)}, {"HOME": "/home/me"}, read_small, Path("/"))
        self.assertEqual([wanted.name for wanted in settings.certificates], ["www.example.com", "database"])
