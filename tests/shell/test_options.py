"""Options: flags, variables, and what is refused."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any

from pkid.origin import Origin
from pkid.shell.exits import Exit, ShellError
from pkid.shell.kinds import Format
from pkid.shell.options import DEFAULT_CORE, Options, default_state, resolve
from tests.support import Case

FINGERPRINT = ":".join(["AB"] * 32)


def options(*arguments: str, **environ: str) -> Options:
    return resolve(arguments, environ)


class ResolutionTests(Case):
    def test_the_defaults(self) -> None:
        given = options()
        self.assertEqual(given.core, DEFAULT_CORE)
        self.assertEqual(str(given.core), "https://localhost:8900")
        self.assertEqual((given.psk, given.psk_file, given.ca_cert, given.state), (None, None, None, None))
        self.assertEqual((given.format, given.timeout), (None, timedelta(seconds=60)))
        self.assertEqual((given.color, given.stdin, given.force), (True, False, False))
        self.assertEqual((given.download_directory, given.words), (Path("."), ()))

    def test_a_flag_is_stronger_than_a_variable_and_the_long_variable_than_the_short(self) -> None:
        environ = {"PKID_SHELL_CORE": "https://b", "PKID_CORE": "https://c"}
        self.assertEqual(options("--core", "https://a", **environ).core, Origin("https", "a", 443))
        self.assertEqual(options(**environ).core, Origin("https", "b", 443))
        self.assertEqual(options(PKID_CORE="https://c").core, Origin("https", "c", 443))

    def test_every_value_is_read(self) -> None:
        given = options(
            "--timeout", "2.5", "--format", "yaml", "--ca-fingerprint", "ab" * 32, "--state", "s", "--stdin"
        )
        self.assertEqual((given.timeout, given.format), (timedelta(seconds=2.5), Format.YAML))
        self.assertEqual((given.ca_fingerprint, given.state, given.stdin), (FINGERPRINT, Path("s"), True))
        given = options(PKID_FORCE="yes", PKID_SHELL_STDIN="false", PKID_DOWNLOAD_DIRECTORY="d", PKID_CA_CERT="c")
        self.assertEqual((given.force, given.stdin, given.download_directory), (True, False, Path("d")))
        self.assertEqual(given.ca_cert, Path("c"))

    def test_what_stands_behind_the_first_word_is_the_cores(self) -> None:
        given = options("--core", "https://a", "certificate", "create", "--core", "x", "--help")
        self.assertEqual(given.words, ("certificate", "create", "--core", "x", "--help"))
        self.assertEqual(given.core.host, "a")
        self.assertEqual(options("--", "--odd").words, ("--odd",))

    def test_colours_can_be_turned_off(self) -> None:
        self.assertFalse(options("--no-color").color)
        self.assertFalse(options(NO_COLOR="1").color)
        self.assertFalse(options(PKID_NO_COLOR="true").color)
        self.assertTrue(options(NO_COLOR="").color)

    def test_no_key_is_shown(self) -> None:
        self.assertNotIn("secret", repr(options("--psk", "secret")))

    def test_the_strongest_source_of_a_key_hides_the_others(self) -> None:
        self.assertEqual(options("--psk", "a", PKID_PSK_FILE="f").psk, "a")
        given = options(PKID_SHELL_PSK_FILE="f", PKID_PSK="a")
        self.assertEqual((given.psk, given.psk_file), (None, Path("f")))
        self.assertEqual(options("--psk", "", PKID_PSK="a").psk, "")

    def test_help_names_every_option_and_each_exit_code(self) -> None:
        out = io.StringIO()
        with redirect_stdout(out), self.assertRaises(SystemExit) as caught:
            options("--help")
        self.assertEqual(caught.exception.code, 0)
        for word in ("--core", "--psk-file", "--ca-fingerprint", "--download-directory", "PKID_SHELL_X", "pkid doctor"):
            self.assertIn(word, out.getvalue())
        for exit in Exit:
            self.assertRegex(out.getvalue(), rf"\n +{exit.value}  \w")

    def test_an_example_of_everything_wrong(self) -> None:
        cases: list[tuple[tuple[str, ...], dict[str, str], str]] = [
            (("--nope",), {}, "unrecognized arguments: --nope"),
            (("--core",), {}, "expected one argument"),
            (("--core", "core"), {}, "--core must be an address such as https://core.example:8900, not 'core'"),
            ((), {"PKID_CORE": "ftp://x"}, "PKID_CORE must be an address such as"),
            (("--psk", "a", "--psk-file", "b"), {}, "--psk and --psk-file exclude each other"),
            ((), {"PKID_PSK": "a", "PKID_PSK_FILE": "b"}, "PKID_PSK and PKID_PSK_FILE exclude"),
            (("--psk-file", ""), {}, "must name a file"),
            (("--ca-cert", ""), {}, "--ca-cert must name a file"),
            (("--ca-fingerprint", "AB:CD"), {}, "--ca-fingerprint is not the SHA-256"),
            (("--format", "xml"), {}, "must be one of text, json, ndjson, yaml, not 'xml'"),
            (("--timeout", "0"), {}, "must be seconds"),
            (("--timeout", "-1"), {}, "must be seconds"),
            (("--timeout", "1e3"), {}, "must be seconds"),
            (("--timeout", "86401"), {}, "must be seconds"),
            ((), {"PKID_FORCE": "maybe"}, "PKID_FORCE must be true or false"),
            ((), {"PKID_SHELL_FORMATT": "x"}, "did you mean PKID_SHELL_FORMAT?"),
            ((), {"PKID_SHELL_ZZZZZZZZZZZZZZZZZZ": "x"}, "is no setting; remove it"),
        ]
        for arguments, environ, words in cases:
            with self.assertRaises(ShellError) as caught:
                options(*arguments, **environ)
            self.assertIn(words, str(caught.exception))
            self.assertIs(caught.exception.exit, Exit.USAGE)

    def test_variables_of_others_are_left_alone(self) -> None:
        self.assertIsNone(options(PKID_LEAF_LIFETIME="x", PKID_CORE_STATE="y").state)


class StateTests(Case):
    def test_where_a_user_keeps_state(self) -> None:
        cases: list[tuple[dict[str, Any], Path | None]] = [
            ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, Path("/s/pkid")),
            ({"XDG_STATE_HOME": "s", "HOME": "/h"}, Path("/h/.local/state/pkid")),
            ({"HOME": "h"}, None),
            ({}, None),
        ]
        for environ, path in cases:
            self.assertEqual(default_state(environ), path)
