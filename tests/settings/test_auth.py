"""Which checkers ``--auth`` adds and takes away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pkid.settings.auth import AUTH, DEFAULTS, Chosen, chosen_checkers
from pkid.settings.component import Component
from pkid.settings.precedence import Sources
from pkid.settings.shared import CONFIG
from pkid.settings.sources import Flags, SettingsError
from tests.support import Case

COMPONENT = Component("core", {"General": (CONFIG, AUTH)})
WORK = Path("/work-directory")
HOME = {"HOME": "/home/me"}


class AuthTests(Case):
    def chosen(
        self, flags: Flags | None = None, environ: Mapping[str, str] | None = None, toml: str = ""
    ) -> tuple[Chosen, ...]:
        given: Flags = {**(flags or {}), **({"config": "/etc/pkid.toml"} if toml else {})}
        sources = Sources.of(COMPONENT, given, HOME if environ is None else environ, lambda _: toml.encode(), WORK)
        return chosen_checkers(sources)

    def flags(self, *values: str) -> tuple[Chosen, ...]:
        return self.chosen({"auth": list(values)})

    def test_the_defaults_are_there_unless_they_are_taken_away(self) -> None:
        self.assertEqual(self.chosen(), DEFAULTS)
        self.assertEqual(self.flags("keydir:/keys"), (*DEFAULTS, Chosen("keydir", "/keys")))
        self.assertEqual(self.flags("none"), ())
        self.assertEqual(self.flags("file:/a", "none", "store", "keydir:/b"), (Chosen("store"), Chosen("keydir", "/b")))

    def test_each_counts_once_in_the_order_in_which_it_came(self) -> None:
        self.assertEqual(self.flags("none", "store", "psk", "store"), (Chosen("store"), Chosen("psk")))
        self.assertEqual(self.flags("store"), DEFAULTS)

    def test_every_source_may_name_several(self) -> None:
        expected = (Chosen("store"), Chosen("file", "/etc/p a:b"))
        self.assertEqual(self.chosen(toml='auth = ["none", "store", "file:/etc/p a:b"]'), expected)
        environ = {"PKID_AUTH": " none  store\nfile:/etc/p:b "}
        self.assertEqual(self.chosen(environ=environ), (Chosen("store"), Chosen("file", "/etc/p:b")))
        self.assertEqual(self.chosen({"auth": ["none"]}, environ), ())

    def test_a_directory_is_looked_for_where_it_was_named(self) -> None:
        self.assertEqual(self.flags("none", "keydir:keys"), (Chosen("keydir", "/work-directory/keys"),))
        self.assertEqual(self.chosen(toml='auth = ["none", "keydir:keys"]'), (Chosen("keydir", "/etc/keys"),))
        self.assertEqual(self.flags("none", "keydir:~/keys"), (Chosen("keydir", "/home/me/keys"),))
        self.assertEqual(self.flags("none", "keydir"), (Chosen("keydir"),))
        self.assertRaises(SettingsError, self.chosen, {"auth": ["keydir:~/keys"]}, {})

    def test_what_cannot_be_one_is_refused_without_its_argument(self) -> None:
        for value in ("", ":", "none:hush", "1x:hush", "a b", "../x:hush", "file:hush\0"):
            error = self.assertRaises(SettingsError, self.flags, value)
            self.assertNotIn("hush", str(error))
            self.assertIn("--auth", str(error))
        for toml in ("auth = 1", "auth = [1]", "auth = {a = 1}"):
            with self.assertRaises(SettingsError):
                self.chosen(toml=toml)
