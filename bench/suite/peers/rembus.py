"""The original broker of the Rembus protocol, from PyPI, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.suite.measurement import Skipped
from bench.suite.processes import free_port, serving

__all__ = ["running_rembus"]

_FOLDER = Path(__file__).parents[3] / ".venv-bench" / "rembus"
_PACKAGES = ("rembus==0.8.23", "duckdb==1.5.5", "duckdb-extension-ducklake==1.5.5")
_PREPARE = """
import duckdb, duckdb_extension_ducklake, pathlib
folder = pathlib.Path(duckdb_extension_ducklake.__file__).parent
for file in folder.rglob("ducklake.duckdb_extension"):
    duckdb.sql(f"INSTALL '{file}'")
"""  # what it would else download when it starts


@contextmanager
def running_rembus() -> Iterator[tuple[str, int]]:
    """Run the original broker, which nobody used before; give its URL and its process's number.

    :raises Skipped: when it is not to be had.
    """
    folder = _environment()
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        environment = {"PATH": os.environ["PATH"], "HOME": home, "REMBUS_DIR": home, "REMBUS_PORT": str(port)}
        subprocess.run([folder / "bin" / "python", "-c", _PREPARE], env=environment, check=True, capture_output=True)
        with serving([str(folder / "bin" / "brokerd")], port, env=environment, cwd=home) as pid:
            yield f"ws://127.0.0.1:{port}", pid


def _environment() -> Path:
    ready = _FOLDER / ".ready"
    if not ready.exists():
        pip = [sys.executable, "-m", "pip", "--python", str(_FOLDER / "bin" / "python"), "install", "--quiet"]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(_FOLDER)], check=True, capture_output=True)
            subprocess.run([*pip, *_PACKAGES], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            raise Skipped(f"needs {', '.join(_PACKAGES)} from PyPI, which could not be installed") from None
        ready.touch()
    return _FOLDER
