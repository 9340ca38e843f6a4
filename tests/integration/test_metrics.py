"""``GET /metrics`` of a real daemon: what was done shows in it."""

from __future__ import annotations

import time

from tests.certificates import csr_pem
from tests.daemon import Daemon, start_daemon
from tests.interop.core import WITH_PSK, ask, bearer
from tests.metrics.scrape import Samples, parse
from tests.support import Case


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


class MetricsTests(Case):
    def scrape(self, daemon: Daemon, headers: dict[str, str]) -> Samples:
        answer = ask(daemon, "GET", "/metrics", headers=headers)
        self.assertEqual(answer.status, 200, answer.body)
        return parse(answer.body, answer.headers["Content-Type"])

    def test_what_was_done_is_counted(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        credential = bearer()
        self.assertEqual(ask(daemon, "POST", "/ca/sign", csr_pem(dns=["a.example"]), credential).status, 200)
        self.assertEqual(ask(daemon, "POST", "/ca/sign", b"nonsense", credential).status, 400)
        self.assertEqual(ask(daemon, "POST", "/ca/sign", b"nonsense").status, 401)
        seen = self.scrape(daemon, credential | {"Accept": "application/openmetrics-text"})
        self.assertEqual(value(seen, "pkid_http_requests_total", page="/ca/sign", status="2xx"), 1)
        self.assertEqual(value(seen, "pkid_http_requests_total", page="/ca/sign", status="4xx"), 2)
        self.assertEqual(value(seen, "pkid_certificates_signed_total", profile="component", order="new"), 1)
        self.assertEqual(value(seen, "pkid_decisions_total", action="sign", result="allowed", reason=""), 1)
        self.assertEqual(value(seen, "pkid_decisions_total", action="sign", result="denied", reason="not-pem"), 1)
        self.assertEqual(value(seen, "pkid_decisions_total", action="login", result="denied", reason="unauthorized"), 1)
        self.assertEqual(value(seen, "pkid_derivations_total"), 1)
        self.assertEqual(value(seen, "pkid_ready"), 1)
        self.assertEqual(value(seen, "pkid_connections", door="https"), 1)
        self.assertGreater(value(seen, "pkid_ledger_bytes"), 4096)
        self.assertGreater(value(seen, "pkid_certificate_not_after_timestamp_seconds", certificate="ca"), time.time())
        self.assertGreater(value(seen, "process_resident_memory_bytes"), 1e7)

    def test_names_that_end_are_counted_in_the_background(self) -> None:
        daemon = start_daemon(self, *WITH_PSK, "--leaf-lifetime", "6d")
        credential = bearer()
        self.assertEqual(ask(daemon, "POST", "/ca/sign", csr_pem(dns=["a.example"]), credential).status, 200)
        limit, seen = time.monotonic() + 60, Samples()
        while ("pkid_names_ended", frozenset()) not in seen and time.monotonic() < limit:
            seen = self.scrape(daemon, credential)
        ending = [value(seen, "pkid_names_ending", within=within) for within in ("24h", "7d", "30d")]
        self.assertEqual((value(seen, "pkid_names_ended"), ending), (0, [0, 1, 1]))

    def test_strangers_see_it_only_where_it_is_open(self) -> None:
        self.assertEqual(ask(start_daemon(self, *WITH_PSK), "GET", "/metrics").status, 401)
        self.scrape(start_daemon(self, *WITH_PSK, "--open-metrics"), {})
