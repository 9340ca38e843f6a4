"""Settings that are read again: what takes effect at once, and what is said of the rest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from twisted.internet.testing import EventLoggingObserver
from twisted.logger import formatEvent, globalLogPublisher

from pkid.ca.authority import Authority
from pkid.reconfiguration import Reconfiguration, changed_settings
from pkid.settings import table
from pkid.settings.resolution import Settings, resolve
from tests.certificates import NOON, SERIAL, profile, root
from tests.support import Case

FILE = Path("/etc/pkid.toml")


class Names:
    """What keeps the core's names."""

    def __init__(self) -> None:
        self.settings: list[Settings] = []

    def reconfigure(self, settings: Settings) -> None:
        self.settings.append(settings)


class Tokens:
    """What checks tokens."""

    strict = False


class ReconfigurationCase(Case):
    def setUp(self) -> None:
        self.files: dict[str, bytes] = {}
        self.observer = EventLoggingObserver()
        globalLogPublisher.addObserver(self.observer)
        self.addCleanup(globalLogPublisher.removeObserver, self.observer)

    def settings(self, file: str = "", **flags: Any) -> Settings:
        """Find the settings with this file, and perhaps flags."""
        contents = {FILE: file.encode(), **{Path(name): content for name, content in self.files.items()}}
        given = {"config": str(FILE), "state": "/state", **flags}
        return resolve(given, {}, contents.__getitem__, Path("/"))

    def changed(self, before: str, after: str, **flags: Any) -> list[str]:
        found = changed_settings(self.settings(before, **flags), self.settings(after, **flags))
        return [setting.name for setting in found]

    def lines(self) -> list[str]:
        return [str(formatEvent(event)) for event in self.observer]


class ChangeTests(ReconfigurationCase):
    def test_the_settings_that_differ_in_the_order_of_the_table(self) -> None:
        self.assertEqual(self.changed("", ""), [])
        after = 'connections = 500\nleaf-lifetime = "1h"\nretain = ["a/**"]\nno-tls = true\nauth = ["none", "store"]'
        self.assertEqual(self.changed("", after), ["no-tls", "leaf-lifetime", "auth", "retain", "connections"])

    def test_every_setting_that_the_file_may_hold_is_compared_but_keys(self) -> None:
        compared = set(self.settings().written)
        names = {setting.name for setting in table.CORE.settings if setting.in_file}
        self.assertEqual(names - compared, {"psk", "psk-file", "ca-cert-key-pass", "cert-key-pass"})

    def test_the_same_value_in_other_words_is_no_change(self) -> None:
        self.assertEqual(self.changed("", 'leaf-lifetime = "365d"\nline = "tcp:8910"'), [])

    def test_what_a_stronger_source_hides_is_no_change(self) -> None:
        self.assertEqual(self.changed("", 'leaf-lifetime = "1h"', **{"leaf-lifetime": "2h"}), [])

    def test_a_passphrase_that_changed_is_named_and_not_shown(self) -> None:
        self.files["/ca.pass"] = b"first\n"
        before = self.settings('ca-cert-key-pass-file = "/ca.pass"')
        self.files["/ca.pass"] = b"sesame\n"
        after = self.settings('ca-cert-key-pass-file = "/ca.pass"')
        self.assertEqual(list(changed_settings(before, after)), [table.CA_CERT_KEY_PASS])
        self.assertNotIn("sesame", repr(after))


class EffectTests(ReconfigurationCase):
    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(root(), profile(), lambda: NOON, lambda: SERIAL)
        self.names, self.tokens = Names(), Tokens()
        self.reconfiguration = Reconfiguration(self.settings(), self.authority, self.names, self.tokens)  # type: ignore[arg-type]

    def test_some_take_effect_at_once_and_that_is_said_once(self) -> None:
        found = self.settings('leaf-lifetime = "1h"\nstrict-tokens = true\nhost-dns-names = "core.example"')
        for _ in range(2):
            self.reconfiguration.adopt(found)
        self.assertEqual((self.authority.profile.lifetime, self.tokens.strict), (timedelta(hours=1), True))
        self.assertEqual(self.names.settings, [found])
        self.assertEqual(self.lines(), ["in effect from now on: strict-tokens, host-dns-names, leaf-lifetime"])

    def test_the_rest_waits_and_that_is_said_until_it_is_taken_back(self) -> None:
        changed = self.settings('line = "off"\nbacklog = "2m"')
        said = "changed, and in effect after a restart only: line, backlog"
        for settings in (changed, changed, self.settings()):
            self.reconfiguration.adopt(settings)
        self.assertEqual(self.lines(), [said, said])
        self.assertEqual(self.names.settings, [])

    def test_back_to_what_was_is_a_change_too(self) -> None:
        for file in ("strict-tokens = true", ""):
            self.reconfiguration.adopt(self.settings(file))
        self.assertFalse(self.tokens.strict)
        self.assertEqual(len(self.names.settings), 2)
