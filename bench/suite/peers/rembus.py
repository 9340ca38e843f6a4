"""The original broker of the Rembus protocol, from PyPI, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.suite.peers.environment import FOLDER, python_with
from bench.suite.processes import free_port, serving

__all__ = ["install", "running_rembus"]

_PACKAGES = ("rembus==0.8.23", "duckdb==1.5.5", "duckdb-extension-ducklake==1.5.5")
_FOLDER = FOLDER / "rembus"
_PREPARED = _FOLDER / "duckdb"
_PREPARE = """
import duckdb, duckdb_extension_ducklake, pathlib
folder = pathlib.Path(duckdb_extension_ducklake.__file__).parent
for file in folder.rglob("ducklake.duckdb_extension"):
    duckdb.sql(f"INSTALL '{file}'")
"""


def install() -> Path:
    """Return its Python, which is installed first if that is possible, with what it would download when it starts.

    :raises Skipped: when it is not to be had.
    """
    python = Path(python_with(*_PACKAGES, folder=_FOLDER))
    if not _PREPARED.exists():
        with tempfile.TemporaryDirectory(dir=_FOLDER) as home:
            subprocess.run([python, "-c", _PREPARE], env={"HOME": home}, check=True, capture_output=True)
            Path(home, ".duckdb").rename(_PREPARED)
    return python


@contextmanager
def running_rembus() -> Iterator[tuple[str, int]]:
    """Run the original broker, which nobody used before; give its URL and its process's number.

    :raises Skipped: when it is not to be had.
    """
    python = install()
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        environment = {"PATH": os.environ["PATH"], "HOME": home, "REMBUS_DIR": home, "REMBUS_PORT": str(port)}
        shutil.copytree(_PREPARED, Path(home, ".duckdb"))
        with serving([str(python.with_name("brokerd"))], port, env=environment, cwd=home) as pid:
            yield f"ws://127.0.0.1:{port}", pid
