"""The virtual environments of the originals' client libraries and shells, made once in a checkout.

Each is installed from PyPI into ``.venv-interop/NAME``. They are apart from pkid's own, because the
libraries bring dozens of packages that pkid must not need.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from tests.daemon import CHECKOUT
from tests.support import require

__all__ = ["FIX_INVENTORY", "REMBUS", "RESOTO", "Environment", "plain_environ"]

ENVIRONMENTS = CHECKOUT / ".venv-interop"
CLIENTS = Path(__file__).resolve().parent / "clients"

DEADLINE = timedelta(seconds=120)
"""How long a client may run."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One original's client library, and its shell, in a virtual environment of their own."""

    package: str
    """What the library is imported as."""
    requirements: tuple[str, ...]
    """What pip installs: packages and their exact versions."""

    def python(self) -> Path:
        """Return the environment's interpreter; skip the running test if it cannot be made."""
        require(not (problem := _problem(self)), f"{' '.join(self.requirements)} from PyPI ({problem})")
        return self.interpreter

    def program(self, name: str) -> Path:
        """Return a program that the packages brought; skip the running test if it cannot be had."""
        return self.python().with_name(name)

    def run(
        self, client: str, *arguments: str, directory: Path, input: str | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of ``clients``, or Python's own option such as ``-i``, to its end.

        :param client: the program's name without ``.py``, or an option.
        :param directory: the working directory, absolute.
        :param input: text for its standard input.
        :param environ: more environment variables than those of a user who set nothing.
        """
        program = client if client.startswith("-") else str(CLIENTS / f"{client}.py")
        return subprocess.run(
            [str(self.python()), program, *arguments],
            cwd=directory,
            env=plain_environ(directory) | environ,
            input=input or "",
            capture_output=True,
            text=True,
            timeout=DEADLINE.total_seconds(),
        )

    @property
    def directory(self) -> Path:
        """Where it is."""
        return ENVIRONMENTS / self.package

    @property
    def interpreter(self) -> Path:
        """Its Python, made or not."""
        return self.directory / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """A file that says what was installed, written last."""
        return self.directory / "installed"

    @property
    def contents(self) -> str:
        """What the stamp must say: another version of a package or of Python is another environment."""
        return "\n".join([*self.requirements, sys.version, ""])

    def is_made(self) -> bool:
        """Whether it is complete and current."""
        return self.stamp.exists() and self.stamp.read_text() == self.contents


FIX_INVENTORY = Environment(
    "fixlib", ("fixinventorylib==4.1.0", "fixinventoryshell==4.1.0", "fixinventoryclient==2.0.1")
)
REMBUS = Environment("rembus", ("rembus==0.8.23",))
RESOTO = Environment("resotolib", ("resotolib==3.9.0", "resotoshell==3.9.0"))


def plain_environ(home: Path) -> dict[str, str]:
    """Return the environment variables of a user who set nothing: no proxy, trust store or pre-shared key."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


@cache
def _problem(environment: Environment) -> str:
    """Make *environment* unless it is made already; return what went wrong, or nothing."""
    with _locked(environment):
        if environment.is_made():
            return ""
        shutil.rmtree(environment.directory, ignore_errors=True)
        venv.create(environment.directory, symlinks=True, with_pip=False)
        problem = _install(environment)
        if not problem:
            environment.stamp.write_text(environment.contents)
        return problem


def _install(environment: Environment) -> str:
    pip = [sys.executable, "-m", "pip", "--python", str(environment.interpreter), "--quiet"]
    installed = subprocess.run(
        [*pip, "install", "--retries", "2", "--disable-pip-version-check", *environment.requirements],
        # A worker of trial has all of pkid's packages on its PYTHONPATH, and pip would count them as installed.
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return "" if installed.returncode == 0 else installed.stderr.strip().splitlines()[-1]


@contextmanager
def _locked(environment: Environment) -> Iterator[None]:
    """Keep others out, who may run the same tests at the same time."""
    ENVIRONMENTS.mkdir(exist_ok=True)
    with (ENVIRONMENTS / f"{environment.package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
