"""What the exporter tells: the inventory, the core's own metrics, and how old all of it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from pkid.answers import Answer
from pkid.exchange import Request, Unreachable
from pkid.exporter.metrics import ExporterMetrics
from pkid.exporter.observation import Observation
from pkid.metrics.exposition import OPENMETRICS
from tests.exporter.answers import METRICS, answer, inventory
from tests.metrics.scrape import Scrape, parse, written
from tests.support import Case

DOCUMENTATION = Path(__file__).parent.parent.parent / "docs" / "metrics.md"


class ExporterMetricsTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.away = False
        self.end: float | None = 1.9e9
        self.seen = Observation(self.ask, self.clock, timedelta(seconds=30))
        self.metrics = ExporterMetrics(self.seen, lambda: self.end)

    def ask(self, request: Request) -> Deferred[Answer]:
        if self.away:
            return fail(Unreachable("away"))
        return succeed(answer(METRICS) if request.path == "/metrics" else inventory())

    def look(self) -> Scrape:
        self.clock.advance(30)
        self.successResultOf(self.seen.refresh())
        return Scrape(self.metrics.registry)

    def test_the_inventory(self) -> None:
        seen = self.look()
        for name, value in {"": 7, "_valid": 5, "_expired": 2, "_renewals": 4}.items():
            self.assertEqual(seen.value(f"pkid_inventory_certificates{name}", profile="component"), value, name)
        ending = [
            seen.value("pkid_inventory_certificates_ending", profile="component", within=span)
            for span in ("24h", "7d", "30d")
        ]
        self.assertEqual(ending, [0, 1, 3])
        self.assertEqual(seen.value("pkid_inventory_credentials", credential="psk:autumn", role="issue"), 1)
        end = seen.value("pkid_inventory_credential_expires_timestamp_seconds", credential="psk:autumn")
        self.assertEqual(end, datetime(2027, 1, 1, tzinfo=UTC).timestamp())
        self.assertIsNone(seen.value("pkid_inventory_credential_expires_timestamp_seconds", credential="psk:default"))

    def test_the_core_s_own_metrics_but_not_those_of_its_process(self) -> None:
        seen = self.look()
        self.assertEqual(seen.value("pkid_decisions_total", action="sign", result="denied", reason="weak-key"), 12)
        self.assertNotEqual(seen.value("process_open_fds"), None)  # of the exporter; twice would not parse
        both = written(self.metrics.registry, "application/openmetrics-text")
        self.assertEqual(parse(both.body, OPENMETRICS)["pkid_ready", frozenset()], 1)

    def test_a_core_that_is_away(self) -> None:
        self.assertEqual(self.look().value("pkid_up"), 1)
        self.away = True
        self.clock.advance(70)
        seen = self.look()
        self.assertEqual((seen.value("pkid_up"), seen.value("pkid_observation_age_seconds")), (0, 100))
        self.assertEqual(seen.value("pkid_inventory_certificates", profile="component"), 7)

    def test_a_core_that_was_never_there(self) -> None:
        self.away = True
        seen = self.look()
        self.assertEqual((seen.value("pkid_up"), seen.value("pkid_observation_age_seconds")), (0, None))
        self.assertIsNone(seen.value("pkid_inventory_certificates", profile="component"))

    def test_its_own_certificate(self) -> None:
        name = "pkid_metrics_certificate_not_after_timestamp_seconds"
        self.assertEqual(Scrape(self.metrics.registry).value(name), 1.9e9)
        self.end = None
        self.assertIsNone(Scrape(self.metrics.registry).value(name))

    def test_the_documentation_names_all_and_no_others(self) -> None:
        shown = re.findall(r"(?m)^# TYPE (\w+)", written(self.metrics.registry).body.decode())
        section = re.search(r"(?s)## The exporter\n(.*?)(\n## |\Z)", DOCUMENTATION.read_text())
        assert section is not None
        rows = re.findall(r"(?m)^\| (`.*?) \|", section[1])
        self.assertEqual(sorted(shown), sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)))
