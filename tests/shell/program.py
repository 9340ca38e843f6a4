"""The program, run by a test as its user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.daemon import CHECKOUT

__all__ = ["PROGRAM", "environ", "run"]

PROGRAM = [sys.executable, "-m", "pkid.shell"]

_DEADLINE = 60  # seconds


def environ(home: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a user who set nothing but these variables."""
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "HOME": str(home), "LANG": "C.UTF-8"}
    return path | variables


def run(
    *arguments: str, directory: Path, input: str = "", variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``pkid`` to its end, in a directory that is also its user's home; its standard input is no terminal."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=directory,
        env=environ(directory, **variables or {}),
        input=input,
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
    )
