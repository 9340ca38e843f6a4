"""A backup of a real core while it runs, and a core that goes on from it; as ``docs/operations.md`` says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.daemon import Daemon, start_daemon
from tests.shell.program import run
from tests.support import Case


class BackupTests(Case):
    def setUp(self) -> None:
        self.daemon = start_daemon(self)
        self.user = self.daemon.state.parent / "user"
        self.user.mkdir()
        self.backup = self.user / "backup"

    def pkid(self, *words: str, daemon: Daemon | None = None, state: Path | None = None) -> str:
        """Run a command, and return what it writes."""
        core = daemon or self.daemon
        ended: subprocess.CompletedProcess[str] = run(
            "--core", core.url, "--state", str(state or core.state), *words, directory=self.user
        )
        self.assertEqual((ended.returncode, ended.stderr), (0, ""), words)
        return ended.stdout

    def restored(self) -> Daemon:
        """Start a core on a copy of the backup, elsewhere, when the first one is gone for good."""
        self.daemon.kill()
        daemon = Daemon(self.user / "restored")
        shutil.copytree(self.backup, daemon.state)
        daemon.start()
        self.addCleanup(daemon.stop)
        return daemon

    def test_a_core_goes_on_from_it(self) -> None:
        self.pkid("certificate", "create", "--common-name", "web.example")
        self.pkid("broker", "keys", "add", "alice", "--secret")
        self.pkid("private_topic", "sensors/door")
        self.pkid("authorize", "alice", "sensors/door")
        known = {words: self.pkid(*words.split()) for words in ("ca show", "broker rights", "broker keys list")}

        self.assertIn("ledger.sqlite", self.pkid("backup", str(self.backup)))
        self.pkid("certificate", "create", "--common-name", "late.example")
        old = self.daemon.state.rename(self.user / "lost")
        daemon = self.restored()

        self.assertEqual({words: self.pkid(*words.split(), daemon=daemon) for words in known}, known)
        listed = self.pkid("certificate list | format {name}", daemon=daemon)
        self.assertIn("web.example\n", listed)
        self.assertNotIn("late.example\n", listed)
        self.assertIn("name: pkid\n", self.pkid("system", "info", daemon=daemon, state=old))  # by the key of before
        self.assertIn("web.example", self.pkid("certificate", "renew", "web.example", "--pem", daemon=daemon))

    def test_the_doctor_finds_nothing_wrong_with_it(self) -> None:
        self.pkid("backup", str(self.backup))
        ended = run("doctor", "--state", str(self.backup), directory=self.user)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.assertNotIn("problem", ended.stdout)

    def test_a_backup_is_made_while_certificates_are_signed(self) -> None:
        for number in range(3):
            self.pkid("certificate", "create", "--common-name", f"web-{number}.example")
            self.pkid("backup", "--messages", f"backup-{number}")
        names = {path.name for path in (self.user / "backup-2").iterdir()}
        self.assertEqual(names, {"ca.pem", "psk", "trust-domain", "ledger.sqlite", "messages.sqlite"})
