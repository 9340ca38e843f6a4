"""Where a component finds the pre-shared key."""

from __future__ import annotations

import os
from pathlib import Path

from pkid.agent.environment import find_psk
from pkid.errors import StateError
from tests.support import Case

SECRET = "a good pre-shared key, ä"


class FindTests(Case):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.file = self.directory / "psk"
        self.file.write_text(f"{SECRET}\n")

    def test_the_variable_the_file_and_the_credential_are_read(self) -> None:
        for environ in (
            {"PKID_PSK": SECRET},
            {"PKID_PSK_FILE": str(self.file)},
            {"CREDENTIALS_DIRECTORY": str(self.directory)},
        ):
            self.assertEqual(find_psk(environ), SECRET)

    def test_a_variable_hides_the_credential(self) -> None:
        self.assertEqual(find_psk({"PKID_PSK": "another", "CREDENTIALS_DIRECTORY": str(self.directory)}), "another")

    def test_two_variables_exclude_each_other(self) -> None:
        with self.assertRaisesRegex(StateError, "exclude each other"):
            find_psk({"PKID_PSK": SECRET, "PKID_PSK_FILE": str(self.file)})

    def test_nothing_is_told_with_the_remedy(self) -> None:
        for environ in ({}, {"PKID_PSK": ""}, {"CREDENTIALS_DIRECTORY": str(self.directory / "none")}):
            with self.assertRaisesRegex(StateError, "PKID_PSK is not set.*give the pre-shared key"):
                find_psk(environ)

    def test_a_file_that_cannot_be_read_is_told(self) -> None:
        with self.assertRaisesRegex(StateError, "none cannot be read .No such file"):
            find_psk({"PKID_PSK_FILE": str(self.directory / "none")})

    def test_a_pipe_is_not_waited_for(self) -> None:
        pipe = self.directory / "pipe"
        os.mkfifo(pipe)
        self.assertRaises(StateError, find_psk, {"PKID_PSK_FILE": str(pipe)})

    def test_what_is_no_key_is_told_and_not_repeated(self) -> None:
        for content in (b"", b"\n", b"a\nb\n", b"\xff\n", b"tab\tbed", b"x" * 4097):
            self.file.write_bytes(content)
            with self.assertRaisesRegex(StateError, "does not hold a pre-shared key") as caught:
                find_psk({"PKID_PSK_FILE": str(self.file)})
            self.assertNotIn("bed", str(caught.exception))
        self.file.write_bytes(b"x" * 4096 + b"\r\n")
        self.assertEqual(find_psk({"PKID_PSK_FILE": str(self.file)}), "x" * 4096)
