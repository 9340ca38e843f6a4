"""The examination as a whole: each check runs, whatever becomes of the others, and nothing is changed."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

from pkid.ca.issuer import make_root
from pkid.ca.names import TrustDomain
from pkid.shell.doctor import examination
from pkid.shell.doctor.finding import Finding
from pkid.shell.doctor.main import main
from pkid.shell.exits import Exit, ShellError
from pkid.shell.options import resolve
from pkid.state import KeyPair, StateDirectory
from pkid.store.sqlite import open_sqlite
from tests.certificates import SERIAL, private_key
from tests.support import Case

CHECKS = [
    "state directory",
    "pre-shared key",
    "CA",
    "host certificate",
    "ledger",
    "credentials",
    "messages",
    "doors",
]


class ExaminationTests(Case):
    """Of a state directory that a core made, and left."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()
        issuer = make_root(private_key(owner="authority"), datetime.now(UTC), SERIAL)
        with StateDirectory(self.path) as state:
            state.save_psk("a good pre-shared key, 1")
            state.save_trust_domain(TrustDomain("pkid.internal"))
            state.save_pair("ca", KeyPair(issuer.key, issuer.certificate))
            state.publish_certificate("ca", issuer.certificate)
            open_sqlite(state.ledger).dispose()

    def report(self, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        with redirect_stdout(out):
            status = main(["--state", str(self.path), *arguments], resolve([], {}))
        return status, out.getvalue()

    def findings(self, *arguments: str) -> list[tuple[str, str, str]]:
        _, out = self.report("--json", *arguments)
        return [(each["check"], each["severity"], each["what"]) for each in json.loads(out)]

    def test_all_is_well_but_that_no_core_runs(self) -> None:
        status, out = self.report()
        self.assertEqual(status, Exit.DONE, out)
        self.assertEqual([line for line in out.splitlines() if not line.startswith(" ")], CHECKS)
        self.assertEqual([line.split()[0] for line in out.splitlines() if "warning" in line], ["warning"])
        self.assertNotIn("a good pre-shared key", out)

    def test_nothing_is_changed(self) -> None:
        def look() -> dict[str, tuple[bytes, int, int]]:
            files = sorted(self.path.iterdir())
            return {path.name: (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in files}

        before = look()
        self.report()
        self.assertEqual(look(), before)

    def test_a_problem_ends_with_1_and_has_a_remedy(self) -> None:
        (self.path / "psk").chmod(0o644)
        status, out = self.report()
        self.assertEqual(status, Exit.FAILED)
        self.assertRegex(out, r"problem .*psk is open to others.*\n.*-> .*chmod 600")

    def test_a_check_that_breaks_leaves_the_others(self) -> None:
        def broken(*_: object) -> Iterator[Finding]:
            raise ZeroDivisionError("unforeseen")

        self.patch(examination, "check_authority", broken)
        found = self.findings()
        self.assertIn(("CA", "problem", "this could not be checked (ZeroDivisionError: unforeseen)"), found)
        self.assertEqual(list(dict.fromkeys(check for check, _, _ in found)), CHECKS)

    def test_a_directory_in_place_of_a_file_is_told(self) -> None:
        (self.path / "psk").unlink()
        (self.path / "psk").mkdir()
        self.assertIn(
            ("pre-shared key", "problem", f"{self.path}/psk cannot be read (Is a directory)"), self.findings()
        )

    def test_lost_files_are_told_from_those_that_never_were(self) -> None:
        self.assertIn(("host certificate", "ok", "none is stored here"), self.findings())
        (self.path / "ca.pem").rename(self.path / "host.pem")
        (self.path / "ca.crt").unlink()
        (self.path / "ledger.sqlite").unlink()
        found = self.findings()
        self.assertIn(("CA", "problem", "ca.pem is missing, but there was a CA once"), found)
        self.assertIn(("ledger", "problem", "it is missing"), found)

    def test_an_empty_directory_is_a_first_start_to_come(self) -> None:
        for path in self.path.iterdir():
            path.unlink()
        status, out = self.report()
        self.assertEqual(status, Exit.DONE, out)
        self.assertIn("there is no CA", out)

    def test_a_core_that_runs_elsewhere_is_looked_at_when_it_is_named(self) -> None:
        found = self.findings("--core", "https://127.0.0.1:1")
        self.assertEqual(found[-1][:2], ("core", "problem"))
        self.assertIn("Connection refused", found[-1][2])

    def test_a_directory_that_is_not_there_is_a_problem_of_each_check(self) -> None:
        self.path = self.path / "none"
        status, out = self.report()
        self.assertEqual(status, Exit.FAILED)
        self.assertIn("No such file or directory", out)

    def test_without_anything_to_look_at_that_is_wrong_usage(self) -> None:
        self.patch(os, "environ", {"HOME": str(self.path / "nowhere")})
        with self.assertRaises(ShellError) as caught:
            main([], resolve([], {}))
        self.assertIs(caught.exception.exit, Exit.USAGE)
        for arguments in (["--core", "junk"], ["--nope"], ["word"]):
            self.assertRaises(ShellError, main, arguments, resolve([], {}))
