"""The command line of the exporter."""

from __future__ import annotations

import os
from unittest.mock import Mock, patch

from twisted.python.usage import UsageError

from pkid.exporter.tap import Options, makeService
from tests.settings.case import GOOD
from tests.support import Case


class OptionsTests(Case):
    def setUp(self) -> None:
        self.patch(os, "environ", {"HOME": "/home/me", "COLUMNS": "80"})

    def parse(self, *arguments: str) -> Options:
        options = Options()
        options.parseOptions(list(arguments))
        return options

    def test_flags_and_environment(self) -> None:
        os.environ["PKID_PSK"] = GOOD
        os.environ["PKID_METRICS_INTERVAL"] = "2m"
        settings = self.parse("--core", "https://core.example:1", "--no-tls").settings
        self.assertEqual((settings.core, settings.psk, settings.tls), ("https://core.example:1", GOOD, False))
        self.assertEqual(settings.interval.total_seconds(), 120)

    def test_a_mistake_is_one_line(self) -> None:
        for arguments in ((), ("--psk", GOOD, "--core", "x"), ("--psk", GOOD, "--https", "tcp:1"), ("stray",)):
            with self.assertRaises(UsageError) as caught:
                self.parse(*arguments)
            self.assertNotIn("\n", str(caught.exception))
            self.assertNotIn(GOOD, str(caught.exception))

    def test_the_help_fits_a_terminal_and_names_every_setting(self) -> None:
        text = Options().getUsage(80)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        for setting in Options.component.settings:
            self.assertIn(setting.flag, text)

    def test_the_settings_become_the_service(self) -> None:
        from twisted.internet import reactor

        self.patch(reactor, "seconds", reactor.seconds)
        options = self.parse("--psk", GOOD)
        with patch("pkid.exporter.service.make_service") as make, patch("signal.signal", Mock()):
            self.assertIs(makeService(options), make.return_value)
        self.assertIs(make.call_args[0][0], options.settings)
