"""The original broker of the Rembus protocol, from PyPI, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.suite.peers.environment import FOLDER, python_with
from bench.suite.processes import free_port, serving

__all__ = ["install", "running_rembus"]

_PACKAGES = ("rembus==0.8.23", "duckdb==1.5.5", "duckdb-extension-ducklake==1.5.5")
_PREPARE = """
import duckdb, duckdb_extension_ducklake, pathlib
folder = pathlib.Path(duckdb_extension_ducklake.__file__).parent
for file in folder.rglob("ducklake.duckdb_extension"):
    duckdb.sql(f"INSTALL '{file}'")
"""  # what it would else download when it starts


def install() -> Path:
    """Return its Python, which is installed first if that is possible.

    :raises Skipped: when it is not to be had.
    """
    return Path(python_with(*_PACKAGES, folder=FOLDER / "rembus"))


@contextmanager
def running_rembus() -> Iterator[tuple[str, int]]:
    """Run the original broker, which nobody used before; give its URL and its process's number.

    :raises Skipped: when it is not to be had.
    """
    python = install()
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        environment = {"PATH": os.environ["PATH"], "HOME": home, "REMBUS_DIR": home, "REMBUS_PORT": str(port)}
        subprocess.run([python, "-c", _PREPARE], env=environment, check=True, capture_output=True)
        with serving([str(python.with_name("brokerd"))], port, env=environment, cwd=home) as pid:
            yield f"ws://127.0.0.1:{port}", pid
