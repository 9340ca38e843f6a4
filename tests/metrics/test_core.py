"""Everything that the core counts has a name, and is read where it is kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from pkid.metrics.broker import watch_broker
from pkid.metrics.core import CoreMetrics
from pkid.metrics.ending import EndingNames
from tests.messaging.core import Core
from tests.metrics.scrape import Scrape, written
from tests.support import Case

DOCUMENTATION = Path(__file__).parent.parent.parent / "docs" / "metrics.md"
NOON = datetime(2031, 5, 6, 12, tzinfo=UTC)


class CoreMetricsTests(Case):
    def setUp(self) -> None:
        self.metrics = CoreMetrics()
        self.door: Any = SimpleNamespace(channels={1, 2}, accepted=7, turned_away=3)
        self.keys: Any = SimpleNamespace(waiting=4, refused=5, derived=6)
        self.orders: Any = SimpleNamespace(waiting=8, refused=9)
        self.store: Any = SimpleNamespace(waiting=10)
        self.file: Any = SimpleNamespace(size=lambda: 0)
        self.names = EndingNames(lambda spans: succeed([13, 14, 15, 16]), Clock(), lambda: NOON)
        self.metrics.watch(
            {"https": self.door},
            self.keys,
            self.orders,
            self.store,
            ledger_bytes=lambda: 11,
            decisions=lambda: {("sign", "denied", "weak-key"): 12},
            names=self.names,
            now=lambda: NOON,
            ends=lambda: {"ca": NOON},
        )
        core = Core()
        watch_broker(self.metrics.readings, core.service, SimpleNamespace(waiting=0, dropped=0, messages=0), self.file)

    def test_every_number_stands_under_its_name(self) -> None:
        self.names.refresh()
        seen = Scrape(self.metrics.registry)
        ending = [seen.value("pkid_names_ending", within=within) for within in ("24h", "7d", "30d")]
        self.assertEqual(ending, [14, 15, 16])
        for name, value in {
            "pkid_derivations_waiting": 4,
            "pkid_derivations_refused_total": 5,
            "pkid_derivations_total": 6,
            "pkid_orders_waiting": 8,
            "pkid_orders_refused_total": 9,
            "pkid_store_transactions_waiting": 10,
            "pkid_ledger_bytes": 11,
            "pkid_clock_timestamp_seconds": NOON.timestamp(),
            "pkid_names_ended": 13,
        }.items():
            self.assertEqual(seen.value(name), value, name)
        for name, value in {"": 2, "_accepted_total": 7, "_refused_total": 3}.items():
            self.assertEqual(seen.value(f"pkid_connections{name}", door="https"), value, name)
        self.assertEqual(seen.value("pkid_decisions_total", action="sign", result="denied", reason="weak-key"), 12)
        self.assertEqual(seen.value("pkid_certificate_not_after_timestamp_seconds", certificate="ca"), NOON.timestamp())

    def test_the_documentation_names_all_and_no_others(self) -> None:
        shown = re.findall(r"(?m)^# TYPE (\w+)", written(self.metrics.registry).body.decode())
        section = re.search(r"(?s)## The core\n(.*?)(\n## |\Z)", DOCUMENTATION.read_text())
        assert section is not None
        rows = re.findall(r"(?m)^\| (`.*?) \|", section[1])
        self.assertEqual(sorted(shown), sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)))

    def test_the_number_of_now_counts(self) -> None:
        self.door.channels.clear()
        self.keys.waiting = 0
        seen = Scrape(self.metrics.registry)
        self.assertEqual((seen.value("pkid_connections", door="https"), seen.value("pkid_derivations_waiting")), (0, 0))

    def test_who_asks_makes_the_self_test_run_and_the_names_be_counted(self) -> None:
        tested: Deferred[bool] = Deferred()
        asked = Deferred.fromCoroutine(self.metrics.exposition(lambda: tested).write(""))
        self.assertNoResult(asked)
        tested.callback(True)
        body = self.successResultOf(asked).body
        self.assertIn(b"\npkid_ready 1.0\n", body)
        self.assertIn(b'\npkid_names_ending{within="24h"} 14.0\n', body)

    def test_two_cores_in_one_process_count_for_themselves(self) -> None:
        other = CoreMetrics()
        other.group.observe(1)
        self.assertEqual(Scrape(self.metrics.registry).value("pkid_order_group_size_count"), 0)
        self.assertEqual(Scrape(other.registry).value("pkid_order_group_size_count"), 1)
