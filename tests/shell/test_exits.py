"""Exit codes: scripts rely on them."""

from __future__ import annotations

from pathlib import Path

from pkid.answers import BadAnswer, Busy, Rejected
from pkid.auth.component import FingerprintMismatch, WrongPreSharedKey
from pkid.errors import StateError
from pkid.exchange import Unreachable, UntrustedServer
from pkid.shell.exits import EXPECTED, Exit, ShellError, exit_of
from tests.support import Case


class ExitTests(Case):
    def test_each_error_has_its_code(self) -> None:
        cases: list[tuple[Exception, int]] = [
            (Rejected("", 400, ""), 1),
            (Rejected("", 403, ""), 1),
            (ShellError(""), 1),
            (StateError(Path("x"), "", ""), 2),
            (ShellError("", Exit.USAGE), 2),
            (Rejected("", 401, ""), 3),
            (WrongPreSharedKey(""), 3),
            (Unreachable(""), 4),
            (UntrustedServer(""), 4),
            (FingerprintMismatch(""), 4),
            (BadAnswer(""), 4),
            (Busy("", None), 5),
        ]
        for error, code in cases:
            self.assertIsInstance(error, EXPECTED)
            self.assertEqual(exit_of(error), code, error)

    def test_an_interrupt_has_the_shells_own(self) -> None:
        self.assertEqual(Exit.INTERRUPTED, 128 + 2)
