"""A sign of life for those who wait at a terminal: it appears when something takes long, and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.status import Status

__all__ = ["Progress", "waiting"]

_PATIENCE = 0.5  # seconds


class Progress:
    """Says on a terminal that something goes on, and how much has come; elsewhere it says nothing."""

    _status: Status | None = None

    def __init__(self, out: TextIO, color: bool) -> None:
        self._out = out
        self._color = color
        self._received = 0
        self._timer = Timer(_PATIENCE, self._show)
        self._timer.daemon = True
        if out.isatty():
            self._timer.start()

    def counted(self, read: Callable[[], bytes]) -> Callable[[], bytes]:
        """Return a function that reads the same, and takes note of how much that is."""

        def counted() -> bytes:
            piece = read()
            self._received += len(piece)
            if self._status is not None:
                self._status.update(f"{self._received / 1e6:,.1f} MB have come")
            return piece

        return counted

    def end(self) -> None:
        """Disappear, for good."""
        if self._timer.ident is not None:
            self._timer.cancel()
            self._timer.join()
        if self._status is not None:
            self._status.stop()

    def _show(self) -> None:
        from rich.console import Console

        console = Console(file=self._out, no_color=not self._color)
        self._status = console.status("the core is working")
        self._status.start()


@contextmanager
def waiting(out: TextIO, color: bool) -> Iterator[Progress]:
    """Show progress on *out* during the block."""
    progress = Progress(out, color)
    try:
        yield progress
    finally:
        progress.end()
