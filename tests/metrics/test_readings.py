"""Numbers that are kept elsewhere are read at each collection, not before."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from pkid.metrics.readings import Labelled, Readings
from tests.metrics.scrape import Scrape
from tests.support import Case


class ReadingsTests(Case):
    def setUp(self) -> None:
        self.registry = CollectorRegistry()
        self.readings = Readings(self.registry)
        self.number = 1.0

    def read(self) -> float:
        return self.number

    def labelled(self) -> Labelled:
        return {("x", "y"): self.number, ("x", "z"): 7}

    def test_a_gauge_is_read_anew_each_time(self) -> None:
        self.readings.gauge("depth", "How deep.", self.read)
        self.assertEqual(Scrape(self.registry).value("depth"), 1)
        self.number = 2
        self.assertEqual(Scrape(self.registry).value("depth"), 2)

    def test_a_counter_has_its_ending(self) -> None:
        self.readings.counter("falls", "How many.", self.read)
        self.assertEqual(Scrape(self.registry).samples, {("falls_total", frozenset()): 1})

    def test_each_combination_of_labels_is_a_sample(self) -> None:
        self.readings.gauges("depth", "How deep.", ["a", "b"], self.labelled)
        self.readings.counters("falls", "How many.", ["a", "b"], self.labelled)
        seen = Scrape(self.registry)
        self.assertEqual(seen.value("depth", a="x", b="y"), 1)
        self.assertEqual(seen.value("falls_total", a="x", b="z"), 7)
        self.assertEqual(len(seen.samples), 4)

    def test_nothing_is_read_before_somebody_asks(self) -> None:
        self.readings.gauge("depth", "How deep.", lambda: 1 / 0)
