"""What a door is asked and how long its answers take.

Counted in plain numbers, because that is done for each answer, and written as Prometheus wants it when it asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

__all__ = ["HTTPTraffic"]

_SECONDS = (0.005, 0.025, 0.1, 0.5, 2.5)
_BOUNDS = [floatToGoString(bound) for bound in (*_SECONDS, float("inf"))]
_CLASSES = (2, 4, 5)


class _Times:
    """How many answers of one page took up to each of the bounds and no less, and how long all of them took."""

    def __init__(self) -> None:
        self.numbers = [0] * len(_BOUNDS)
        self.seconds = 0.0


class HTTPTraffic(Collector):
    """Counts answers by page and class of status, and times them; a :class:`pkid.web.site.Traffic`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers: Counter[tuple[str, int]] = Counter()
        self._times: dict[str, _Times] = {}
        self._refused: Counter[int] = Counter()
        registry.register(self)

    def expect(self, pages: Iterable[str]) -> None:
        """Begin to count for these pages, so that the first answer of each is a step from nought."""
        for page in pages:
            self._times.setdefault(page, _Times())
            self._answers.update(dict.fromkeys([(page, number) for number in _CLASSES], 0))

    def answered(self, page: str, status: int, seconds: float) -> None:
        """Count and time an answer of a page that was expected."""
        self._answers[page, status // 100] += 1
        times = self._times[page]
        times.numbers[bisect_left(_SECONDS, seconds)] += 1
        times.seconds += seconds

    def refused(self, status: HTTPStatus) -> None:
        """Count a request that no page got to see."""
        self._refused[status] += 1

    def collect(self) -> Iterator[Metric]:
        """Write all of it down; the registry calls this."""
        requests = CounterMetricFamily("pkid_http_requests", "Requests that were answered.", labels=["page", "status"])
        for (page, number), count in sorted(self._answers.items()):
            requests.add_metric([page, f"{number}xx"], count)
        times = HistogramMetricFamily(
            "pkid_http_request_seconds", "Seconds from a request's last byte to its answer.", labels=["page"]
        )
        for page, each in self._times.items():
            times.add_metric([page], list(zip(_BOUNDS, accumulate(each.numbers), strict=True)), each.seconds)
        refused = CounterMetricFamily(
            "pkid_http_refused", "Requests that broke the rules of a connection.", labels=["status"]
        )
        for status, count in sorted(self._refused.items()):
            refused.add_metric([str(int(status))], count)
        yield from (requests, times, refused)
