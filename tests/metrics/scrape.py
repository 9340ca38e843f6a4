"""Reads an exposition as Prometheus does, with the library's own parsers."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import succeed

from pkid.metrics.exposition import OPENMETRICS, Exposition, Written

__all__ = ["Samples", "Scrape", "parse", "written"]

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: bytes, content_type: str = "text/plain") -> Samples:
    """Return the value of each sample by its name and labels; fails when one stands there twice."""
    read: Any = openmetrics.text_string_to_metric_families  # it has no annotations
    families = read if content_type == OPENMETRICS else text_string_to_metric_families
    found = [sample for family in families(text.decode()) for sample in family.samples]
    samples = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in found}
    assert len(samples) == len(found), "a sample stands there twice"
    return samples


def written(registry: CollectorRegistry, accept: str = "") -> Written:
    """Let an exposition write a registry at once."""
    writing: Coroutine[Any, Any, Written] = Exposition(registry, lambda: succeed(None)).write(accept)
    try:
        writing.send(None)
    except StopIteration as end:
        result: Written = end.value
        return result
    raise AssertionError("it waits")


class Scrape:
    """What a registry shows now: ``Scrape(registry).value("pkid_connections", door="https")``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.samples = parse(written(registry).body)

    def value(self, name: str, /, **labels: str) -> float | None:
        return self.samples.get((name, frozenset(labels.items())))
