"""Somebody who types on the line door, through ``openssl s_client``."""

from __future__ import annotations

import re
import subprocess
from queue import Empty, Queue
from threading import Thread
from typing import Self

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon import Daemon
from tests.support import require_program

__all__ = ["Typist"]

_PATIENCE = 30.0  # seconds
_BINDING = ("-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32")


class Typist:
    """One ``openssl s_client``, which keeps lines that begin with Q, R or K for itself.

    :ivar shown: all that it has shown so far.
    """

    def __init__(self, daemon: Daemon, *options: str) -> None:
        host, port = daemon.address("line")
        trust = ("-CAfile", str(daemon.state / "ca.crt"), "-verify_return_error", "-verify_hostname", "localhost")
        self._process = subprocess.Popen(
            [require_program("openssl"), "s_client", "-connect", f"{host}:{port}", *trust, *_BINDING, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.shown: list[str] = []
        self._lines: Queue[str | None] = Queue()
        self._thread = Thread(target=self._read)
        self._thread.start()

    @classmethod
    def of(cls, test: SynchronousTestCase, daemon: Daemon, *options: str) -> Self:
        """Connect, until the end of a test."""
        typist = cls(daemon, *options)
        test.addCleanup(typist.end)
        return typist

    def type(self, *lines: str) -> None:
        """Type lines."""
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self._process.stdin.flush()

    def see(self, expected: str) -> re.Match[str]:
        """Wait for a line that matches an expression as a whole.

        :raises AssertionError: when it does not come in time.
        """
        try:
            while (line := self._lines.get(timeout=_PATIENCE)) is not None:
                self.shown.append(line)
                found = re.fullmatch(expected, line)
                if found is not None:
                    return found
        except Empty:
            pass
        raise AssertionError(f"{expected} was not shown, but:\n" + "\n".join(self.shown))

    def end(self) -> None:
        """End the program, if it did not end by itself, and wait for it."""
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.decode("utf-8", "replace").rstrip("\r\n"))
        self._lines.put(None)
