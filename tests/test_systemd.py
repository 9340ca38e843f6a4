"""The systemd units are correct and keep the daemon confined."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path

from twisted.internet.endpoints import serverFromString
from twisted.internet.testing import MemoryReactor

from tests.support import Case, require_program

UNITS = Path(__file__).parent.parent / "etc" / "systemd"
INSTALLED = "/opt/pkid/bin/twistd"
HIGHEST_EXPOSURE = {"pkid.service": 2.0, "pkid-metrics.service": 2.0, "pkid-agent@.service": 2.5}
"""By unit; the agent's may give files away."""


class UnitFileTests(Case):
    """What systemd-analyze says of them, without a running systemd."""

    def setUp(self) -> None:
        self.analyze = require_program("systemd-analyze")
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for unit in UNITS.iterdir():
            # Any program that exists here will do
            text = unit.read_text().replace(INSTALLED, sys.executable).replace("/bin/kill", sys.executable)
            (self.folder / unit.name).write_text(text)

    def run_analyze(self, *arguments: str) -> str:
        """Run systemd-analyze and return all that it said."""
        done = subprocess.run(
            [self.analyze, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_systemd_finds_nothing_wrong(self) -> None:
        units = [str(self.folder / name) for name in (*HIGHEST_EXPOSURE, "pkid.socket")]
        self.assertEqual(self.run_analyze("verify", "--man=no", *units), "")

    def test_a_misspelt_setting_would_be_noticed(self) -> None:
        unit = self.folder / "pkid.service"
        unit.write_text(unit.read_text().replace("PrivateTmp=", "PrivateTemp="))
        self.assertIn("PrivateTemp", self.run_analyze("verify", "--man=no", str(unit)))

    def test_the_exposure_is_low(self) -> None:
        for name, highest in HIGHEST_EXPOSURE.items():
            said = self.run_analyze("security", "--offline=yes", "--no-pager", str(self.folder / name))
            verdict = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
            assert verdict is not None, said
            print(f" [{verdict[0]}]", end="")
            self.assertLessEqual(float(verdict[1]), highest)


class AgreementTests(Case):
    """The two units and the daemon agree with one another."""

    def read(self, name: str) -> ConfigParser:
        unit = ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
        unit.optionxform = str  # type: ignore[assignment, method-assign]
        unit.read(UNITS / name)
        return unit

    def test_the_service_waits_for_notifications_and_reloads_by_hangup(self) -> None:
        service = self.read("pkid.service")["Service"]
        self.assertEqual(service["Type"], "notify")
        self.assertEqual(service["ExecReload"], "/bin/kill -HUP $MAINPID")
        self.assertTrue(service["WatchdogSec"])

    def test_the_agent_is_asked_to_read_its_file_again_and_may_give_files_away_and_no_more(self) -> None:
        service = self.read("pkid-agent@.service")["Service"]
        self.assertEqual(service["ExecReload"], "/bin/kill -HUP $MAINPID")
        self.assertIn(" pkid-agent --config /etc/pkid/agent/%i.toml", service["ExecStart"])
        self.assertEqual(set(service["CapabilityBoundingSet"].split()), {"CAP_CHOWN", "CAP_DAC_OVERRIDE"})
        self.assertEqual(service["SystemCallFilter"], "@chown")  # the last one counts most
        self.assertEqual(service["LoadCredential"], "psk:pkid-agent.psk")

    def test_the_daemon_stays_in_the_foreground_and_writes_no_pid_file(self) -> None:
        command = self.read("pkid.service")["Service"]["ExecStart"]
        self.assertTrue(command.startswith(f"{INSTALLED} --nodaemon --pidfile= pkid "), command)

    def test_the_exporter_is_confined_as_the_core_is(self) -> None:
        core, exporter = (
            (UNITS / name).read_text().partition("# No way to more rights")[2]
            for name in ("pkid.service", "pkid-metrics.service")
        )
        self.assertEqual(core, exporter)
        self.assertIn(f"{INSTALLED} --nodaemon --pidfile= pkid-metrics ", (UNITS / "pkid-metrics.service").read_text())

    def test_a_missing_pre_shared_key_does_not_stop_the_service(self) -> None:
        name, _, source = self.read("pkid.service")["Service"]["LoadCredential"].partition(":")
        self.assertEqual(name, "psk")
        self.assertFalse(source.startswith("/"), "systemd refuses to start when an absolute path does not exist")

    def test_the_kernel_is_not_asked_to_refuse_what_tls_needs(self) -> None:
        service = self.read("pkid.service")["Service"]
        self.assertNotIn("MemoryDenyWriteExecute", service, "cffi makes its callbacks in such memory")
        self.assertIn("AF_UNIX", service["RestrictAddressFamilies"].split(), "the notification socket")

    def test_the_endpoint_that_the_socket_unit_names_is_one(self) -> None:
        text = (UNITS / "pkid.socket").read_text()
        endpoint = re.search(r'https = "(.+)"', text)
        assert endpoint is not None
        name = self.read("pkid.socket")["Socket"]["FileDescriptorName"]
        self.assertEqual(endpoint[1], f"systemd:domain=INET6:name={name}")
        with self.assertRaisesRegex(KeyError, name):  # understood; only the descriptor is not there
            serverFromString(MemoryReactor(), endpoint[1])
