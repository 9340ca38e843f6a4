"""How flags, environment and file are read."""

from __future__ import annotations

import errno
from pathlib import Path

from tests.settings.case import GOOD, WORK, SettingsCase


class PathTests(SettingsCase):
    def test_relative_paths_start_at_the_working_directory(self) -> None:
        settings = self.resolve(
            {"state": "s", "psk-file": "p", "config": "c"}, None, {f"{WORK}/c": b"", f"{WORK}/p": GOOD.encode()}
        )
        self.assertEqual((settings.state, settings.psk), (WORK / "s", GOOD))

    def test_relative_paths_in_the_file_start_at_the_file(self) -> None:
        self.assertEqual(self.configured('state = "s"').state, Path("/etc/s"))

    def test_home(self) -> None:
        self.assertEqual(self.configured('state = "~/s"').state, Path("/home/me/s"))
        self.assertIn("PKID_STATE begins with ~", self.refused(None, {"PKID_STATE": "~/s", "HOME": ""}))

    def test_empty_path(self) -> None:
        for value in ("", "a\0b"):
            self.assertEqual(self.refused({"state": value}), "--state must name a file or directory")


class EnvironmentTests(SettingsCase):
    def test_truth(self) -> None:
        for value in ("true", "1", "yes", "True", "YES"):
            self.assertFalse(self.resolve(environ={"PKID_NO_TLS": value}).tls, value)
        for value in ("false", "0", "no", "False"):
            self.assertTrue(self.resolve(environ={"PKID_NO_TLS": value}).tls, value)

    def test_no_truth(self) -> None:
        for value in ("", "on", "2", " true", "y", "None"):
            self.assertEqual(self.refused(None, {"PKID_NO_TLS": value}), "PKID_NO_TLS must be true or false")

    def test_unknown_variable_for_the_core(self) -> None:
        self.assertEqual(
            self.refused(None, {"PKID_CORE_LEAF_LIFTIME": "1h"}),
            "PKID_CORE_LEAF_LIFTIME in the environment is no setting; did you mean PKID_CORE_LEAF_LIFETIME?",
        )
        self.assertIn("PKID_CORE_STORE in the environment is no setting", self.refused(None, {"PKID_CORE_STORE": ""}))

    def test_variables_of_others(self) -> None:
        self.assertEqual(self.resolve(environ={"PKID_AGENT_OUT": "x", "PKID_STORE": "y", "PKIDX": ""}), self.resolve())


class FileTests(SettingsCase):
    def test_unreadable(self) -> None:
        for error, words in (
            (FileNotFoundError(errno.ENOENT, "No such file or directory"), "No such file or directory"),
            (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        ):
            message = self.refused(None, {"PKID_CONFIG": "/c"}, {"/c": error})
            self.assertEqual(message, f"PKID_CONFIG: cannot read /c: {words}")

    def test_not_toml(self) -> None:
        message = self.refused_file("no-tls = true\nhttps = off\n")
        self.assertTrue(message.startswith("--config: /etc/pkid.toml is not TOML: "), message)
        self.assertIn("line 2", message)

    def test_not_utf8(self) -> None:
        message = self.refused({"config": "/c"}, None, {"/c": b'state = "\xff"'})
        self.assertEqual(message, "--config: /c is not UTF-8 text")

    def test_unknown_key(self) -> None:
        for toml, key, instead in (
            ('leaf-lifetme = "1h"', "leaf-lifetme", "did you mean leaf-lifetime?"),
            ('leaf_lifetme = "1h"', "leaf_lifetme", "did you mean leaf-lifetime?"),
            ("[web]\nport = 1\n", "web", "remove it"),
            ('config = "/other"', "config", "remove it"),
        ):
            self.assertEqual(self.refused_file(toml), f"'{key}' in /etc/pkid.toml is no setting; {instead}")

    def test_key_twice(self) -> None:
        message = self.refused_file('leaf-lifetime = "1h"\nleaf_lifetime = "2h"')
        self.assertEqual(message, "/etc/pkid.toml holds leaf-lifetime twice, once with '_'; remove one")

    def test_wrong_type(self) -> None:
        for key, value, must in (
            ("state", "1", "must be a string, not an integer"),
            ("https", "8900", "must be a string, not an integer"),
            ("psk", "[]", "must be a string, not an array"),
            ("psk", "{}", "must be a string, not a table"),
            ("trust_domain", "true", "must be a string, not a boolean"),
            ("trust-domain", "1.5", "must be a string, not a float"),
            ("ca-key-type", "2026-01-01", "must be a string, not a date or time"),
            ("no-tls", "2", "must be true or false"),
            ("no-tls", "1.0", "must be true or false"),
            ("no-tls", "[]", "must be true or false"),
            ("host-dns-names", "1", "must be an array of strings, not an integer"),
            ("host-dns-names", "[1]", "must be a string, not an integer"),
            ("leaf-lifetime", "90", "must be a number and a unit, such as 90s, 15m, 12h or 30d, not 90"),
        ):
            self.assertEqual(self.refused_file(f"{key} = {value}"), f"{key} in /etc/pkid.toml {must}")

    def test_truth(self) -> None:
        for value in ("true", "1", '"yes"', '"true"'):
            self.assertFalse(self.configured(f"no-tls = {value}").tls, value)
        for value in ("false", "0", '"no"'):
            self.assertTrue(self.configured(f"no-tls = {value}").tls, value)

    def test_names_as_text(self) -> None:
        self.assertEqual(
            self.configured('host-dns-names = "a.example, b.example"').host_dns_names, ("a.example", "b.example")
        )
