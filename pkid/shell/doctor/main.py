"""``pkid doctor``: its options, its report, its exit code."""

from __future__ import annotations

import json
import os
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pkid.origin import Origin
from pkid.shell.doctor.examination import Examination, examine
from pkid.shell.doctor.finding import Finding, Severity
from pkid.shell.exits import Exit, ShellError
from pkid.shell.options import DEFAULT_CORE, Options, Parser, default_state
from pkid.shell.screen import printable

__all__ = ["main"]

_COLORS = {Severity.OK: "\x1b[32m", Severity.WARNING: "\x1b[33m", Severity.PROBLEM: "\x1b[31m"}
_PLAIN = "\x1b[0m"

_DESCRIPTION = """\
Look at a core from outside, and say what to mend: its files, pre-shared key,
CA and certificates, ledger, doors, readiness and clock. Nothing is changed,
nothing needs root, and the core need not run.
"""

_EPILOG = """\
The options of pkid for the key and the trust, before the word doctor, count for
--core, too. Without --core, the doors that the state directory lists are looked
at.

Exit codes: 0 when all is well but for warnings, 1 when there is a problem.
"""


def main(arguments: Sequence[str], options: Options) -> int:
    """Examine what the arguments name, report, and return the exit code."""
    parser = Parser(
        prog="pkid doctor", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", metavar="DIR", help="the core's state [$XDG_STATE_HOME/pkid, ~/.local/state/pkid]")
    parser.add_argument("--core", metavar="URL", help="look at the core there, too")
    parser.add_argument("--json", action="store_true", help="report as a list of JSON objects")
    given = parser.parse_args(arguments)
    examination = _examination(given.state, given.core, options)
    findings = list(examine(examination)) if given.json else _shown(examine(examination), options.color)
    if given.json:
        print(json.dumps([_object(check, finding) for check, finding in findings], indent=1))
    bad = any(finding.severity is Severity.PROBLEM for _, finding in findings)
    return Exit.FAILED if bad else Exit.DONE


def _examination(state: str | None, core: str | None, options: Options) -> Examination:
    """Settle what to look at: a directory that nobody named must be there, and a core must be named."""
    try:
        origin = Origin.of(core) if core is not None else None if options.core == DEFAULT_CORE else options.core
    except ValueError as error:
        raise ShellError(f"--core: {error}", Exit.USAGE) from None
    named = Path(state) if state is not None else options.state
    usual = default_state(os.environ)
    directory = named or (usual if usual is not None and usual.is_dir() else None)
    if directory is None and origin is None:
        raise ShellError("there is no state of a core here: name it with --state, or a core with --core", Exit.USAGE)
    return Examination(directory, origin, replace(options, core=origin or options.core, state=directory))


def _shown(findings: Iterable[tuple[str, Finding]], color: bool) -> list[tuple[str, Finding]]:
    """Print findings as they come, each under what was looked at."""
    color = color and sys.stdout.isatty()
    shown: list[tuple[str, Finding]] = []
    for check, finding in findings:
        if not shown or shown[-1][0] != check:
            print(check)
        word = f"{finding.severity.value:8}"
        print(f"  {_COLORS[finding.severity] + word + _PLAIN if color else word} {printable(finding.what)}")
        if finding.remedy:
            print(f"  {'':8} -> {printable(finding.remedy)}")
        sys.stdout.flush()
        shown.append((check, finding))
    return shown


def _object(check: str, finding: Finding) -> dict[str, str]:
    return {"check": check, "severity": finding.severity.value, "what": finding.what, "remedy": finding.remedy}
