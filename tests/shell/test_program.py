"""The program's way to its end: what is said besides the error itself."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import Mock

from pkid.shell import program
from pkid.shell.exits import Exit
from tests.support import Case


class MisplacedOptionTests(Case):
    """Options of the program's own, behind the command."""

    def setUp(self) -> None:
        self.patch(os, "environ", {"HOME": str(Path(self.mktemp()).absolute())})

    def run_program(self, *arguments: str) -> tuple[int, list[str]]:
        with redirect_stderr(io.StringIO()) as said, redirect_stdout(io.StringIO()):
            code = program.run(arguments)
        return code, said.getvalue().splitlines()

    def answered(self, exit: Exit, *words: str) -> list[str]:
        """Return what is said when the core's answer to these words means this."""
        session = Mock(run=Mock(return_value=exit))
        self.patch(program, "begin", Mock(return_value=session))
        code, said = self.run_program(*words)
        self.assertEqual(code, exit)
        return said

    def test_a_program_of_this_machine(self) -> None:
        code, (error,) = self.run_program("doctor", "--core", "https://a.example", "--psk-file=f")
        self.assertEqual(code, Exit.USAGE)
        hint = "--psk-file is an option of pkid itself, and stands before the command; see pkid doctor --help"
        self.assertEqual(error, f"pkid: unrecognized arguments: --psk-file=f; {hint}")
        self.assertIn("arguments: --pem; see pkid doctor --help", self.run_program("doctor", "--pem")[1][0])

    def test_a_command_of_the_core(self) -> None:
        words = ("certificate", "list", "--format", "json", "--name", "a", "--format")
        hint = "pkid: --format is an option of pkid itself, and stands before the command"
        self.assertEqual(self.answered(Exit.FAILED, *words), [hint])
        self.assertEqual(self.answered(Exit.DONE, *words), [])
        self.assertEqual(self.answered(Exit.UNREACHABLE, *words), [])
        self.assertEqual(self.answered(Exit.FAILED, "certificate", "list", "--name", "a"), [])
