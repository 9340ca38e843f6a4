"""Other people's servers, run by a test: each in a folder and on ports of its own, as root only where it must."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic

__all__ = ["as_user", "folder_of", "free_port", "run", "serving"]

DEADLINE = 60  # seconds
ENVIRONMENT = {"PATH": f"{os.environ['PATH']}:/usr/sbin", "LANG": "C.UTF-8"}


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def folder_of(user: str) -> Iterator[Path]:
    """Make a folder that belongs to a user, if there is a choice, and is reached by it."""
    with TemporaryDirectory(prefix="pkid-") as name:
        give_to(Path(name), user)
        yield Path(name)


def give_to(path: Path, user: str) -> None:
    """Let a path belong to a user, if we are root."""
    if os.geteuid() == 0:
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


def as_user(user: str) -> list[str]:
    """Return what stands before a command so that it runs as a user and not as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups"]


def run(*command: str | Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its output and its errors come as one text."""
    return subprocess.run(
        list(map(str, command)),
        cwd=home,
        env={**ENVIRONMENT, "HOME": str(home), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


@contextmanager
def serving(command: Sequence[str], folder: Path, *ports: int) -> Iterator[Path]:
    """Run a server in the foreground while the block lasts, from when it listens; give the file with its output."""
    output = folder / "output"
    with output.open("wb") as log:
        process = subprocess.Popen(
            list(command), cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        for port in ports:
            wait_until_it_listens(process, port, output)
        yield output
    finally:
        process.terminate()
        process.wait(DEADLINE)


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    """Try to connect until somebody listens.

    :raises AssertionError: when the process ended, or the time is over.
    """
    limit = monotonic() + DEADLINE
    while process.poll() is None and monotonic() < limit:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        Event().wait(0.02)
    raise AssertionError(f"the server does not listen:\n{output.read_text(errors='replace')}")
