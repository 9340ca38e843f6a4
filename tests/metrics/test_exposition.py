"""The two text forms, and what is left out of them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram
from twisted.internet.defer import Deferred

from pkid.metrics.exposition import OPENMETRICS, TEXT, Exposition
from tests.metrics.scrape import parse, written
from tests.support import Case

PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"


class ExpositionTests(Case):
    def setUp(self) -> None:
        self.registry = CollectorRegistry()
        Counter("falls", "How many.", registry=self.registry).inc()
        Histogram("seconds", "How long.", buckets=(1,), registry=self.registry).observe(0.5)

    def test_text_unless_openmetrics_is_asked_for(self) -> None:
        for accept in ("", "*/*", "text/plain", "text/plain; version=1.0.0; escaping=allow-utf-8"):
            self.assertEqual(written(self.registry, accept).content_type, TEXT)
        self.assertEqual(written(self.registry, PROMETHEUS).content_type, OPENMETRICS)

    def test_what_the_caller_writes_is_not_in_the_content_type(self) -> None:
        self.assertEqual(
            written(self.registry, "application/openmetrics-text; version=9.9.9").content_type, OPENMETRICS
        )

    def test_both_forms_say_the_same(self) -> None:
        text, other = written(self.registry), written(self.registry, PROMETHEUS)
        self.assertTrue(other.body.endswith(b"# EOF\n"))
        self.assertEqual(parse(text.body), parse(other.body, other.content_type))

    def test_nothing_tells_when_a_counter_began(self) -> None:
        names = {name for name, _ in parse(written(self.registry).body)}
        self.assertEqual(names, {"falls_total", "seconds_bucket", "seconds_count", "seconds_sum"})

    def test_it_waits_until_all_is_prepared(self) -> None:
        prepared: Deferred[None] = Deferred()
        answer = Deferred.fromCoroutine(Exposition(self.registry, lambda: prepared).write(""))
        self.assertNoResult(answer)
        prepared.callback(None)
        self.assertIn(b"falls_total 1.0", self.successResultOf(answer).body)
