"""Where the pre-shared key comes from, and which keys are refused."""

from __future__ import annotations

import errno
from collections.abc import Mapping

from pkid.settings.sources import flag_level
from tests.settings.case import GOOD, OTHER, THIRD, WORK, Files, SettingsCase


class SecretTests(SettingsCase):
    def found(
        self,
        flags: Mapping[str, str | bool] | None = None,
        environ: Mapping[str, str] | None = None,
        files: Files | None = None,
    ) -> tuple[str | None, str]:
        settings = self.resolve(flags, environ, files)
        return settings.psk, settings.psk_source

    def refused_file_content(self, content: bytes | OSError) -> str:
        return self.refused({"psk-file": "/p"}, None, {"/p": content})

    def test_sources(self) -> None:
        files = {
            "/p": GOOD.encode(),
            "/c": f'psk = "{OTHER}"'.encode(),
            "/d": b'psk_file = "p"',
            "/run/c/psk": THIRD.encode(),
        }
        self.assertEqual(self.found({"psk": GOOD}), (GOOD, "--psk"))
        self.assertEqual(self.found({"psk-file": "/p"}, None, files), (GOOD, "file /p"))
        self.assertEqual(self.found(None, {"PKID_PSK": GOOD}), (GOOD, "PKID_PSK"))
        self.assertEqual(self.found(None, {"PKID_CORE_PSK_FILE": "/p"}, files), (GOOD, "file /p"))
        self.assertEqual(self.found(None, {"CREDENTIALS_DIRECTORY": "/run/c"}, files), (THIRD, "file /run/c/psk"))
        self.assertEqual(self.found({"config": "/c"}, None, files), (OTHER, "psk in /c"))
        self.assertEqual(self.found({"config": "/d"}, None, files), (GOOD, "file /p"))

    def test_key_or_file_hides_both_below(self) -> None:
        files = {"/p": GOOD.encode(), "/c": f'psk = "{OTHER}"'.encode(), "/run/c/psk": THIRD.encode()}
        both = {"PKID_PSK": OTHER, "PKID_PSK_FILE": "/p"}
        self.assertEqual(self.found({"psk-file": "/p"}, both, files), (GOOD, "file /p"))
        self.assertEqual(self.found({"psk": GOOD}, both, files), (GOOD, "--psk"))
        self.assertEqual(self.found(None, {**both, "PKID_CORE_PSK": THIRD}), (THIRD, "PKID_CORE_PSK"))
        credentials = {"CREDENTIALS_DIRECTORY": "/run/c"}
        self.assertEqual(self.found({"config": "/c"}, {"PKID_PSK": GOOD, **credentials}, files)[0], GOOD)
        self.assertEqual(self.found({"config": "/c"}, credentials, files)[0], THIRD)

    def test_key_and_file_at_one_level(self) -> None:
        both = b'psk = "a"\npsk-file = "/p"'
        for message, names in (
            (self.refused({"psk": GOOD, "psk-file": "/p"}), "--psk and --psk-file"),
            (self.refused(None, {"PKID_PSK": GOOD, "PKID_PSK_FILE": "/p"}), "PKID_PSK and PKID_PSK_FILE"),
            (self.refused({"config": "/c"}, None, {"/c": both}), "psk in /c and psk-file in /c"),
        ):
            self.assertEqual(message, f"{names} exclude each other; give one")

    def test_credential_directory_without_a_key(self) -> None:
        self.assertEqual(self.found(None, {"CREDENTIALS_DIRECTORY": "/run/c"}), (None, ""))

    def test_unreadable_credential(self) -> None:
        denied = PermissionError(errno.EACCES, "Permission denied")
        self.assertEqual(
            self.refused(None, {"CREDENTIALS_DIRECTORY": "/run/c"}, {"/run/c/psk": denied}),
            "$CREDENTIALS_DIRECTORY/psk: cannot read /run/c/psk: Permission denied",
        )

    def test_one_end_of_line_is_removed_from_a_file(self) -> None:
        key = GOOD.encode()
        for content in (key, key + b"\n", key + b"\r\n"):
            self.assertEqual(self.found({"psk-file": "/p"}, None, {"/p": content})[0], GOOD)
        self.assertEqual(self.found({"psk-file": "/p"}, None, {"/p": b" " + key + b" \n"})[0], f" {GOOD} ")

    def test_what_is_not_one_line_of_text(self) -> None:
        key = GOOD.encode()
        for content in (
            key + b"\n\n",
            key + b"\r",
            b"\xef\xbb\xbf" + key,
            key + b"\0",
            key + b"\xff",
            key + b"\n" + key,
        ):
            self.assertEqual(
                self.refused_file_content(content),
                "file /p does not hold a PSK: that is one line of printable UTF-8 text",
            )
        self.assertIn("PKID_PSK does not hold a PSK", self.refused(None, {"PKID_PSK": f"{GOOD}\udcff"}))

    def test_size(self) -> None:
        fits = (GOOD * 200)[:4096]
        self.assertEqual(self.found({"psk-file": "/p"}, None, {"/p": fits.encode() + b"\n"})[0], fits)
        self.assertEqual(
            self.refused_file_content(fits.encode() + b"x"), "file /p is longer than 4096 bytes; write a shorter PSK"
        )
        self.assertIn("longer than 4096 bytes", self.refused({"psk": "\u00e4bcdefghijklmnopqr" * 216}))

    def test_unreadable_file(self) -> None:
        self.assertEqual(self.refused({"psk-file": "/p"}), "--psk-file: cannot read /p: No such file or directory")
        self.assertIn("Is a directory", self.refused_file_content(IsADirectoryError(errno.EISDIR, "Is a directory")))

    def test_empty(self) -> None:
        for source, message in (
            ("PKID_PSK", self.refused(None, {"PKID_PSK": ""})),
            ("file /p", self.refused_file_content(b"")),
            ("file /p", self.refused_file_content(b"\n")),
            ("psk in /etc/pkid.toml", self.refused_file('psk = ""')),
        ):
            self.assertEqual(
                message,
                f"{source} is empty; leave it out to have a good PSK made"
                " (only --psk '' as a flag turns authentication off)",
            )

    def test_empty_is_refused_even_where_weak_is_allowed(self) -> None:
        self.assertIn("is empty", self.refused({"allow-weak-psk": True}, {"PKID_PSK": ""}))

    def test_an_empty_flag_turns_authentication_off_and_hides_every_key(self) -> None:
        files = {"/c": f'psk = "{OTHER}"'.encode(), "/run/c/psk": THIRD.encode()}
        environ = {"PKID_PSK": GOOD, "CREDENTIALS_DIRECTORY": "/run/c"}
        settings = self.resolve({"psk": "", "config": "/c"}, environ, files)
        self.assertEqual((settings.authentication, settings.psk), (False, None))
        self.assertTrue(self.resolve({}, environ, files).authentication)

    def test_an_empty_flag_beside_keys_with_names(self) -> None:
        files = {"/c": f'[psks.autumn]\nkey = "{OTHER}"'.encode()}
        self.assertEqual(
            self.refused({"psk": "", "config": "/c"}, None, files),
            "--psk '' turns authentication off, but the file names pre-shared keys; leave one out",
        )

    def test_weak(self) -> None:
        self.assertEqual(
            self.refused({"psk": "changeme"}),
            "--psk is easy to guess: it is shorter than 16 characters; leave it out to have a good PSK made,"
            " or accept it with --allow-weak-psk",
        )
        self.assertEqual(self.found({"psk": "changeme", "allow-weak-psk": True}), ("changeme", "--psk"))
        self.assertEqual(self.found({"psk": "changeme"}, {"PKID_ALLOW_WEAK_PSK": "yes"})[0], "changeme")

    def test_no_message_and_no_repr_repeats_the_key(self) -> None:
        for secret in ("hunter2", "hunter2\n" + GOOD, "hunter2" * 1000, "hunter2\udcff"):
            self.assertNotIn("hunter2", self.refused({"psk": secret}))
        settings = self.resolve({"psk": GOOD})
        self.assertEqual(settings.psk, GOOD)
        self.assertNotIn(GOOD, repr(settings))
        self.assertIn("psk_source='--psk'", repr(settings))
        self.assertNotIn(GOOD, repr(flag_level({"psk": GOOD}, WORK)))
