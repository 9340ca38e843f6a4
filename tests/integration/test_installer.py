"""``twistd pkid-agent`` with a real core: files, several certificates, another start, reloading, being killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic
from typing import Any

from cryptography import x509

from tests.daemon import DEADLINE, Daemon, start_daemon
from tests.interop.openssl import openssl
from tests.support import Case

PSK = "a good pre-shared key, 1"


class AgentProcess(Daemon):
    """One ``twistd pkid-agent``."""

    def __init__(self, state: Path, config: Path) -> None:
        super().__init__(state, "--config", str(config), program="pkid-agent")

    def status(self) -> list[dict[str, Any]]:
        """Return what it tells of each certificate."""
        with socket.socket(socket.AF_UNIX) as reader:
            reader.settimeout(DEADLINE.total_seconds())
            reader.connect(str(self.state / "status.sock"))
            return [json.loads(line) for line in reader.makefile("rb")]

    def hang_up(self) -> None:
        """Let it read its file again."""
        os.kill(self.pid, signal.SIGHUP)


class AgentCase(Case):
    def setUp(self) -> None:
        self.core = start_daemon(self, "--psk", PSK, "--strict-tokens")
        self.folder = Path(self.enterContext(TemporaryDirectory(prefix="pkid-")))  # the path of a socket must be short
        self.config = self.folder / "agent.toml"
        self.agent = AgentProcess(self.folder / "agent", self.config)

    def configure(self, *tables: str) -> None:
        """Write the agent's file."""
        general = f'core = "{self.core.url}"\npsk = "{PSK}"\n'
        self.config.write_text(general + "".join(f"[[certificate]]\n{table}\n" for table in tables))

    def table(self, name: str, more: str = "") -> str:
        return f'name = "{name}"\ncommon-name = "{name}.example"\nout = "{name}"\n{more}'

    def start(self) -> None:
        self.agent.start()
        self.addCleanup(self.finish)

    def finish(self) -> None:
        if self.agent.running:
            self.agent.stop()
        self.assertNotIn("Traceback", self.agent.output)
        self.assertNotIn(PSK, self.agent.output)

    def wait(self, what: Callable[[], object]) -> None:
        """Wait until something is so."""
        limit = monotonic() + DEADLINE.total_seconds()
        while not what():
            self.assertLess(monotonic(), limit, self.agent.output)
            Event().wait(0.05)

    def wait_until_well(self, count: int) -> None:
        self.wait(lambda: [status["ok"] for status in self.agent.status()] == [True] * count)

    def certificate(self, name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / name / "cert.pem").read_bytes())


class FilesTests(AgentCase):
    def test_programs_find_all_that_they_need(self) -> None:
        self.configure(self.table("web", "combined = true"), self.table("db", 'key-type = "rsa2048"\nmode = "0640"'))
        self.start()
        self.wait_until_well(2)
        for name, mode in (("web", 0o600), ("db", 0o640)):
            folder = self.folder / name
            self.assertEqual((folder / "key.pem").stat().st_mode & 0o777, mode)
            verified = openssl("verify", "-x509_strict", "-CAfile", folder / "ca.pem", folder / "fullchain.pem")
            self.assertIn("OK", verified.stdout)
            ssl.create_default_context().load_cert_chain(folder / "fullchain.pem", folder / "key.pem")
        ssl.create_default_context().load_cert_chain(self.folder / "web" / "combined.pem")
        self.assertEqual((self.folder / "web" / "ca.pem").read_bytes(), (self.core.state / "ca.crt").read_bytes())

    def test_another_start_uses_what_is_there(self) -> None:
        self.configure(self.table("web"))
        self.start()
        self.wait_until_well(1)
        first = self.certificate("web")
        self.agent.kill()
        self.core.stop()
        self.agent.start()
        self.wait_until_well(1)
        self.assertEqual(self.certificate("web"), first)
        self.core.start()

    def test_a_core_that_comes_later_is_waited_for(self) -> None:
        self.configure(self.table("web"))
        self.core.stop()
        self.start()
        (status,) = self.agent.status()
        self.assertEqual((status["state"], status["ok"]), ("missing", False))
        self.core.start()
        self.configure(self.table("web"))
        self.agent.hang_up()
        self.wait_until_well(1)


class HookTests(AgentCase):
    def test_each_certificate_is_told_and_a_failure_is_seen_and_tried_again(self) -> None:
        script = "echo $PKID_NAME $PKID_SERIAL >> told; env | grep -c psk >> told; echo not yet; test -e ../ok"
        self.configure(self.table("web", f"""on-renew = ["sh", "-c", '{script}']"""))
        self.start()
        self.wait(lambda: self.agent.status()[0]["hook"] == "failed")
        (status,) = self.agent.status()
        self.assertEqual((status["hook_error"], status["state"]), ("sh ended with status 1: not yet", "valid"))
        (self.folder / "ok").touch()
        self.agent.hang_up()
        self.wait_until_well(1)
        told = (self.folder / "web" / "told").read_text().split()
        self.assertEqual(told[:3], ["web", f"{self.certificate('web').serial_number:x}", "0"])
        self.agent.stop()
        self.agent.start()
        self.wait_until_well(1)
        self.assertEqual((self.folder / "web" / "told").read_text().split(), told)


class ReloadTests(AgentCase):
    def test_the_file_is_read_again(self) -> None:
        self.configure(self.table("web"), self.table("db"))
        self.start()
        self.wait_until_well(2)
        kept = self.certificate("web")
        self.configure(self.table("web"), self.table("mail"), self.table("db", 'dns-names = ["other.example"]'))
        self.agent.hang_up()
        self.wait(lambda: [each["name"] for each in self.agent.status()] == ["web", "mail", "db"])
        self.wait(lambda: self.agent.status()[2]["names"] == ["other.example"])
        self.wait_until_well(3)
        self.assertEqual(self.certificate("web"), kept)
        self.configure(self.table("mail"))
        self.agent.hang_up()
        self.wait(lambda: [each["name"] for each in self.agent.status()] == ["mail"])
        self.wait_until_well(1)

    def test_a_mistake_changes_nothing(self) -> None:
        self.configure(self.table("web"))
        self.start()
        self.wait_until_well(1)
        self.configure(self.table("web", "oops = 1"))
        self.agent.hang_up()
        self.wait(lambda: "so the old ones stay" in self.agent.output)
        self.wait_until_well(1)
        self.assertIn("is no setting", self.agent.output)

    def test_what_cannot_be_written_is_told(self) -> None:
        self.configure(self.table("web"))
        self.start()
        (self.folder / "db").write_text("in the way")
        self.configure(self.table("web"), self.table("db"))
        self.agent.hang_up()
        self.wait(lambda: [bool(each["error"]) for each in self.agent.status()] == [False, True])
        self.assertIn("File exists", self.agent.status()[1]["error"])


class StartTests(AgentCase):
    def refused(self) -> str:
        self.assertRaises(AssertionError, self.agent.start)
        self.assertNotIn("Traceback", self.agent.output)
        return self.agent.output

    def test_a_directory_that_cannot_be_used_stops_the_start(self) -> None:
        self.configure(self.table("web"))
        (self.folder / "web").mkdir()
        (self.folder / "web").chmod(0o777)
        self.assertIn(f"pkid-agent: {self.folder / 'web'} can be changed by other users", self.refused())

    def test_two_agents_do_not_share_anything(self) -> None:
        self.configure(self.table("web"))
        self.start()
        for state, problem in ((self.agent.state, "agent is in use"), (self.folder / "other", "web is in use")):
            other = AgentProcess(state, self.config)
            self.assertRaisesRegex(AssertionError, problem, other.start)

    def test_the_state_of_a_core_is_not_its_own(self) -> None:
        self.configure(self.table("web"))
        self.agent = AgentProcess(self.core.state, self.config)
        self.assertIn("belongs to a core", self.refused())
