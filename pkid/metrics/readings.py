"""Numbers that others keep anyway, read only when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["Labelled", "Readings"]

Labelled = Mapping[tuple[str, ...], float]
"""Numbers by the values of their labels."""


class Readings(Collector):
    """Families of metrics whose values are read from elsewhere at each collection."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._families: list[Callable[[], Metric]] = []
        registry.register(self)

    def gauge(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Offer one number that goes up and down."""
        self._families.append(lambda: GaugeMetricFamily(name, documentation, value=read()))

    def counter(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Offer one number that only grows; *name* is without ``_total``."""
        self._families.append(lambda: CounterMetricFamily(name, documentation, value=read()))

    def gauges(self, name: str, documentation: str, labels: Iterable[str], read: Callable[[], Labelled]) -> None:
        """Offer numbers that go up and down, one for each combination of labels."""
        self._families.append(lambda: _fill(GaugeMetricFamily(name, documentation, labels=tuple(labels)), read()))

    def counters(self, name: str, documentation: str, labels: Iterable[str], read: Callable[[], Labelled]) -> None:
        """Offer numbers that only grow, one for each combination of labels; *name* is without ``_total``."""
        self._families.append(lambda: _fill(CounterMetricFamily(name, documentation, labels=tuple(labels)), read()))

    def collect(self) -> Iterable[Metric]:
        """Read all of them; the registry calls this."""
        return [family() for family in self._families]


def _fill(family: GaugeMetricFamily | CounterMetricFamily, values: Labelled) -> Metric:
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family
