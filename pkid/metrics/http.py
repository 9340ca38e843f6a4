"""What a door is asked and how long its answers take."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Histogram

__all__ = ["HTTPTraffic"]

_SECONDS = (0.005, 0.025, 0.1, 0.5, 2.5)
_CLASSES = (2, 4, 5)


class HTTPTraffic:
    """Counts answers by page and class of status, and times them; a :class:`pkid.web.site.Traffic`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "pkid_http_requests", "Requests that were answered.", ["page", "status"], registry=registry
        )
        self._seconds = Histogram(
            "pkid_http_request_seconds",
            "Seconds from a request's last byte to its answer.",
            ["page"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            "pkid_http_refused", "Requests that broke the rules of a connection.", ["status"], registry=registry
        )
        self._counters: dict[tuple[str, int], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def expect(self, pages: Iterable[str]) -> None:
        """Begin to count for these pages, so that the first answer of each is a step from nought."""
        for page in pages:
            self._timers[page] = self._seconds.labels(page)
            for number in _CLASSES:
                self._counters[page, number] = self._requests.labels(page, f"{number}xx")

    def answered(self, page: str, status: int, seconds: float) -> None:
        """Count and time an answer of a page that was expected."""
        counter = self._counters.get((page, status // 100))
        (counter or self._requests.labels(page, f"{status // 100}xx")).inc()
        self._timers[page].observe(seconds)

    def refused(self, status: HTTPStatus) -> None:
        """Count a request that no page got to see."""
        self._refused.labels(str(status.value)).inc()
