"""How large the ledger is: asked for often, measured seldom, because counting takes time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.interfaces import IReactorTime

__all__ = ["LedgerSize"]


class LedgerSize:
    """Entries and bytes, as they were a moment ago.

    :param measure: counts both.
    :param keep: seconds for which a measurement is good.
    """

    def __init__(
        self, measure: Callable[[], Awaitable[tuple[int, int]]], clock: IReactorTime, keep: float = 5.0
    ) -> None:
        self._measure = measure
        self._clock = clock
        self._keep = keep
        self._measured: tuple[int, int] | None = None
        self._measured_at = 0.0

    async def read(self) -> tuple[int, int]:
        """Return how many entries the ledger holds, and how many bytes it takes.

        :raises Unavailable: when that cannot be measured now.
        """
        if self._measured is None or self._clock.seconds() - self._measured_at >= self._keep:
            self._measured = await self._measure()
            self._measured_at = self._clock.seconds()
        return self._measured
