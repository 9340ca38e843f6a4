"""A program on a terminal, and somebody who types when they have read what they wait for."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Self

__all__ = ["Terminal"]

DEADLINE = timedelta(seconds=60)
"""How long a text may take to appear."""

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    """A program whose standard streams are a pseudo-terminal."""

    def __init__(self, command: list[str], directory: Path, environment: Mapping[str, str]) -> None:
        """Start *command*.

        The terminal answers no questions, so the program is told not to ask where its cursor is.
        """
        self._controller, terminal = pty.openpty()
        self._raw = b""
        self._read_to = 0
        try:
            self._process = subprocess.Popen(
                command,
                stdin=terminal,
                stdout=terminal,
                stderr=terminal,
                cwd=directory,
                env={**environment, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
                start_new_session=True,
            )
        finally:
            os.close(terminal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._controller)

    @property
    def shown(self) -> str:
        """Everything that was shown so far, without colours and movements of the cursor."""
        return _CONTROL.sub(b"", self._raw).decode(errors="replace")

    def expect(self, text: str) -> None:
        """Read until *text* appears, behind what was expected before.

        :raises AssertionError: if it does not appear in time.
        """
        until = monotonic() + DEADLINE.total_seconds()
        while (found := self.shown.find(text, self._read_to)) < 0:
            assert self._read(until - monotonic()), f"no {text!r} in:\n{self.shown}"
        self._read_to = found + len(text)

    @property
    def raw(self) -> str:
        """The same, with them."""
        return self._raw.decode(errors="replace")

    def type(self, line: str) -> None:
        """Type a line, with the return key."""
        self.press(f"{line}\r")

    def press(self, keys: str) -> None:
        r"""Press keys; ``\x03`` is Ctrl-C, ``\x04`` Ctrl-D."""
        os.write(self._controller, keys.encode())

    def interrupt(self) -> None:
        """Do what Ctrl-C does while no program reads keys: the terminal is not the one that controls the program."""
        self.send(signal.SIGINT)

    def send(self, number: int) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Read until the program ends; return its exit status."""
        until = monotonic() + DEADLINE.total_seconds()
        while self._read(until - monotonic()):
            pass
        return self._process.wait(DEADLINE.total_seconds())

    def _read(self, seconds: float) -> bool:
        """Read what comes within this time; false if nothing does, or nobody writes any more."""
        ready, _, _ = select.select([self._controller], [], [], max(seconds, 0))
        try:
            more = os.read(self._controller, 65536) if ready else b""
        except OSError:  # the program closed its side
            more = b""
        self._raw += more
        return bool(more)
