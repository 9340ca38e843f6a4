"""The process is described, also where the system hides most of ``/proc``."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry

from pkid import __version__
from pkid.metrics.process import describe_process
from tests.metrics.scrape import Scrape
from tests.support import Case


class ProcessTests(Case):
    def setUp(self) -> None:
        registry = CollectorRegistry()
        describe_process(registry)
        self.seen = Scrape(registry)

    def test_memory_files_and_processor_time(self) -> None:
        for name in ("resident_memory_bytes", "open_fds", "max_fds", "cpu_seconds_total"):
            self.assertGreater(self.seen.value(f"process_{name}") or 0, 0, name)

    def test_the_start_is_in_the_past_and_not_at_the_epoch(self) -> None:
        started = self.seen.value("process_start_time_seconds") or 0
        self.assertLess(started, time.time() + 1)
        self.assertGreater(started, time.time() - 30 * 86400)

    def test_versions(self) -> None:
        (labels,) = (dict(labels) for name, labels in self.seen.samples if name == "pkid_build_info")
        self.assertEqual(labels.pop("version"), __version__)
        self.assertEqual(sorted(labels), ["python", "twisted"])
