"""Prometheus takes the rules, each alert fires when it should, and none fires when all is well."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.support import Case, require_program

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "etc" / "prometheus" / "pkid-rules.yml"
SCRAPES = RULES.with_name("prometheus.yml")
DAY = 86400

WELL = {
    'up{job="pkid-metrics"}': "1x180",
    "pkid_up": "1x180",
    "pkid_ready": "1x180",
    "pkid_store_failures_total": "0x180",
    'pkid_store_transaction_seconds_bucket{le="0.5"}': "0+60x180",
    'pkid_store_transaction_seconds_bucket{le="2.5"}': "0+60x180",
    'pkid_store_transaction_seconds_bucket{le="+Inf"}': "0+60x180",
    "pkid_derivations_refused_total": "5x180",
    "pkid_orders_refused_total": "0x180",
    'pkid_connections_refused_total{door="https"}': "0x180",
    'pkid_decisions_total{action="login",result="denied",reason="unauthorized"}': "0+1x180",
    'pkid_decisions_total{action="sign",result="allowed",reason=""}': "0+600x180",
    'pkid_certificate_not_after_timestamp_seconds{certificate="ca"}': f"{3650 * DAY}x180",
    'pkid_certificate_not_after_timestamp_seconds{certificate="host"}': f"{3 * DAY}x180",
    "pkid_metrics_certificate_not_after_timestamp_seconds": f"{3 * DAY}x180",
    'pkid_inventory_credential_expires_timestamp_seconds{credential="psk:autumn"}': f"{100 * DAY}x180",
    'pkid_names_ending{within="24h"}': "0x180",
    'pkid_names_ending{within="7d"}': "3x180",
    "pkid_names_ended": "2x180",
    "pkid_observation_age_seconds": "20x180",
    "pkid_clock_timestamp_seconds": "-20+60x180",
}
"""What is scraped in three hours, one value a minute, while all is well; time begins at nought."""

ILL = {
    "PkidCoreDown": {"pkid_up": "1x120 0x60"},
    "PkidCoreNotReady": {"pkid_ready": "0x180"},
    "PkidStoreFails": {"pkid_store_failures_total": "0x178 1x2"},
    "PkidStoreSlow": {'pkid_store_transaction_seconds_bucket{le="0.5"}': "0+50x180"},
    "PkidBusy": {"pkid_orders_refused_total": "0+1x180"},
    "PkidManyRefusals": {'pkid_decisions_total{action="login",result="denied",reason="unauthorized"}': "0+60x180"},
    "PkidCertificatesEnd": {'pkid_names_ending{within="24h"}': "1x180"},
    "PkidCertificatesEnded": {"pkid_names_ended": "2x160 3x20"},
    "PkidCAEnds": {'pkid_certificate_not_after_timestamp_seconds{certificate="ca"}': f"{364 * DAY}x180"},
    "PkidHostCertificateEnds": {'pkid_certificate_not_after_timestamp_seconds{certificate="host"}': f"{DAY // 2}x180"},
    "PkidExporterCertificateEnds": {"pkid_metrics_certificate_not_after_timestamp_seconds": f"{DAY // 2}x180"},
    "PkidCredentialEnds": {
        'pkid_inventory_credential_expires_timestamp_seconds{credential="psk:autumn"}': f"{13 * DAY}x180"
    },
    "PkidClock": {"pkid_clock_timestamp_seconds": "100+60x180"},
}
"""What makes each alert fire, and no other."""


class RulesTests(Case):
    def setUp(self) -> None:
        self.promtool = require_program("promtool")
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        shutil.copy(RULES, self.folder)

    def run_promtool(self, *arguments: str) -> str:
        done = subprocess.run([self.promtool, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def case(self, changes: dict[str, str], firing: list[str]) -> dict[str, object]:
        """Describe a test of promtool's: which alerts fire after three hours."""
        fires = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in firing]
        return {
            "name": firing[0] if firing else "all is well",
            "interval": "1m",
            "input_series": [
                {"series": _with_instance(series), "values": values} for series, values in (WELL | changes).items()
            ],
            "promql_expr_test": [
                {
                    "expr": 'max by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": "3h",
                    "exp_samples": fires,
                }
            ],
        }

    def test_each_alert_fires_when_it_should_and_no_other(self) -> None:
        cases = [self.case({}, []), *(self.case(changes, [name]) for name, changes in ILL.items())]
        tests = {"rule_files": [RULES.name], "evaluation_interval": "1m", "tests": cases}
        (self.folder / "tests.yml").write_text(json.dumps(tests))  # JSON is YAML
        self.run_promtool("test", "rules", "tests.yml")

    def test_every_alert_is_tried(self) -> None:
        self.assertEqual(re.findall(r"- alert: (\w+)", RULES.read_text()), list(ILL))

    def test_prometheus_takes_rules_and_scrapes(self) -> None:
        (self.folder / "ca.crt").touch()
        text = SCRAPES.read_text().replace("/etc/prometheus/pkid/ca.crt", "ca.crt")
        (self.folder / SCRAPES.name).write_text(text)
        self.assertIn(f"{len(ILL)} rules found", self.run_promtool("check", "config", SCRAPES.name))


class NamesTests(Case):
    def test_the_rules_ask_only_for_metrics_that_there_are(self) -> None:
        documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "metrics.md").read_text()))
        asked = set(re.findall(r"\bpkid_\w+", RULES.read_text()))
        self.assertEqual({re.sub("_bucket$", "", name) for name in asked} - documented, set())


def _with_instance(series: str) -> str:
    """Add the labels that each scrape adds."""
    name, _, labels = series.partition("{")
    added = 'instance="a"' if "job=" in labels else 'job="pkid-metrics",instance="a"'
    return f"{name}{{{added}{',' + labels if labels else '}'}"
