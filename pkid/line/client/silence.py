"""A watch on the silence of the other end: who says nothing is asked whether it is there, and then given up."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

__all__ = ["SILENCE", "Silence"]

SILENCE = 30.0
"""Seconds after which a core that says nothing is asked whether it is there, and after as many again given up."""


class Silence:
    """The watch of one connection.

    :param ask: asks the other end whether it is there.
    :param give_up: ends the connection.
    """

    def __init__(self, clock: IReactorTime, ask: Callable[[], None], give_up: Callable[[], None]) -> None:
        self._clock = clock
        self._ask = ask
        self._give_up = give_up
        self._heard = self._asked = False
        self._next: IDelayedCall | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._next = self._clock.callLater(SILENCE, self._look)

    def stop(self) -> None:
        """Watch no longer."""
        if self._next is not None and self._next.active():
            self._next.cancel()

    def heard(self) -> None:
        """Take note that the other end said something."""
        self._heard = True

    def _look(self) -> None:
        if self._asked and not self._heard:
            self._give_up()
            return
        if not self._heard:
            self._ask()
        self._asked, self._heard = not self._heard, False
        self.start()
