"""Prometheus, set up as its guide says: it scrapes itself over mutual TLS."""

from __future__ import annotations

import json
from threading import Event
from time import monotonic

from tests.daemon import start_daemon
from tests.interop.core import WITH_PSK
from tests.interop.guides import block, create
from tests.interop.servers import DEADLINE, folder_of, free_port, run, serving
from tests.support import Case, require_program

WHERE = "/etc/prometheus/pkid"


class PrometheusTests(Case):
    def setUp(self) -> None:
        self.prometheus, self.promtool = require_program("prometheus"), require_program("promtool")
        require_program("curl")
        self.daemon = start_daemon(self, *WITH_PSK)
        self.folder = self.enterContext(folder_of("root"))
        names = "--common-name prometheus.example.com --dns-names prometheus.example.com localhost"
        create(self.daemon, self.folder, names)
        (self.folder / "ca.crt").write_bytes((self.daemon.state / "ca.crt").read_bytes())
        self.port = free_port()
        self.write("web.yml", block("prometheus", "yaml"))
        scraping = block("prometheus", "yml").replace("localhost:9090", f"localhost:{self.port}")
        self.write("prometheus.yml", f"global:\n  scrape_interval: 1s\n{scraping}")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text.replace(WHERE, str(self.folder)))

    def curl(self, path: str, *options: str) -> str:
        """Ask Prometheus for a page, which is empty if it does not answer."""
        url = f"https://localhost:{self.port}{path}"
        return run("curl", "--silent", "--max-time", "30", "--cacert", "ca.crt", *options, url, home=self.folder).stdout

    def test_its_own_program_finds_nothing_wrong(self) -> None:
        for check, file in (("web-config", "web.yml"), ("config", "prometheus.yml")):
            ended = run(self.promtool, "check", check, file, home=self.folder)
            self.assertEqual(ended.returncode, 0, ended.stdout)
            self.assertIn("SUCCESS", ended.stdout)

    def test_it_scrapes_over_mutual_tls_and_is_served_over_it(self) -> None:
        command = [self.prometheus, "--config.file=prometheus.yml", "--web.config.file=web.yml", "--log.level=warn"]
        command += [f"--web.listen-address=127.0.0.1:{self.port}", "--storage.tsdb.path=data"]
        with serving(command, self.folder, self.port) as output:
            self.assertEqual(self.curl("/-/healthy"), "", "somebody without a certificate was served")
            targets = self.wait_for_a_scrape()
            found = [(each["health"], each["lastError"]) for each in targets]
            self.assertEqual(found, [("up", "")], output.read_text())

    def wait_for_a_scrape(self) -> list[dict[str, str]]:
        """Ask what became of the targets until the first scrape is over."""
        pair = ("--cert", "prometheus.example.com.crt", "--key", "prometheus.example.com.key")
        limit = monotonic() + DEADLINE
        while monotonic() < limit:
            answer = self.curl("/api/v1/targets", *pair)
            targets: list[dict[str, str]] = json.loads(answer)["data"]["activeTargets"] if answer else []
            if targets and all(each["health"] != "unknown" for each in targets):
                return targets
            Event().wait(0.1)
        raise AssertionError("nothing was scraped in a minute")
