"""Writes a registry's metrics in the two text forms that Prometheus reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

__all__ = ["OPENMETRICS", "TEXT", "Exposition", "Written"]

TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of the text form that everybody reads."""

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
"""The content type of OpenMetrics, for those who ask for it."""


@dataclass(frozen=True, slots=True)
class Written:
    """All metrics of a moment."""

    body: bytes
    content_type: str


class Exposition:
    """Shows what is in a registry.

    :param prepare: is awaited each time before the registry is read.
    """

    def __init__(self, registry: CollectorRegistry, prepare: Callable[[], Awaitable[object]]) -> None:
        self._metrics = _WithoutBirthdays(registry)
        self._prepare = prepare

    async def write(self, accept: str) -> Written:
        """Write all metrics.

        :param accept: the value of the ``Accept`` header.
        """
        await self._prepare()
        if "application/openmetrics-text" in accept:
            return Written(openmetrics.generate_latest(self._metrics), OPENMETRICS)
        return Written(generate_latest(self._metrics), TEXT)


class _WithoutBirthdays(Collector):
    """A registry's metrics without ``_created``: one more series for each counter, which says when it began to count.

    The library has a switch for it, which is one for the whole process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
