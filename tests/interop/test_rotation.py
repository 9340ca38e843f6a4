"""Components of both originals while their pre-shared key changes: with the old one, with the new one, and after."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tests.daemon import start_daemon
from tests.integration.test_daemon import wait_for
from tests.interop.components import fingerprint, load
from tests.interop.core import PSK, WITH_PSK
from tests.interop.environments import FIX_INVENTORY, RESOTO, Environment
from tests.interop.openssl import verify
from tests.support import Case

NEW = "the pre-shared key that comes after"
TABLE = f'[psks.new]\nkey = "{NEW}"\n'

if TYPE_CHECKING:
    Base = Case
else:
    Base = object


class RotationTests(Base):
    """A core with two keys; the new one is selected by the address that the component is told.

    :cvar environment: where an original's library is installed.
    """

    environment: ClassVar[Environment]

    def setUp(self) -> None:
        self.environment.python()
        directory = Path(self.mktemp()).resolve()
        directory.mkdir(parents=True)
        self.config = directory / "pkid.toml"
        self.config.write_text(TABLE)
        self.daemon = start_daemon(self, *WITH_PSK, "--config", str(self.config))
        self.directory = self.daemon.state.parent

    def run_client(self, client: str, url: str, psk: str, *arguments: str) -> tuple[int, str, str]:
        ended = self.environment.run(client, self.environment.package, url, psk, *arguments, directory=self.directory)
        return ended.returncode, ended.stdout, ended.stderr

    def check_component(self, url: str, psk: str) -> None:
        """Let a component do everything that it does with this address and key."""
        authority = self.daemon.state / "ca.crt"
        status, output, error = self.run_client("trust", url, psk, "trusted.crt")
        self.assertEqual((status, output.strip()), (0, fingerprint(load(authority))), error)
        status, _, error = self.run_client("sign", url, psk, str(authority), "worker-1", "worker.example", "192.0.2.7")
        self.assertEqual(status, 0, error)
        path = self.directory / "component.crt"
        self.assertEqual(verify(authority, path, "-purpose", "sslserver"), f"{path}: OK\n")
        status, output, error = self.run_client("tlsdata", url, psk)
        self.assertEqual(status, 0, error)
        self.assertEqual(json.loads(output)["echo"], "echo\n")

    def is_refused(self, url: str, psk: str) -> None:
        """Check that a component does not even learn which CA to trust."""
        status, _, error = self.run_client("trust", url, psk, "none.crt")
        self.assertEqual((status, "InvalidSignatureError" in error), (1, True), error)

    def end_old_key(self) -> None:
        ended = datetime.now(UTC) - timedelta(seconds=1)
        self.config.write_text(f"{TABLE}[psks.default]\nexpires = {ended:%Y-%m-%dT%H:%M:%SZ}\n")
        os.kill(self.daemon.pid, signal.SIGHUP)
        wait_for(lambda: "the pre-shared key default (role admin) ended" in self.daemon.output)

    def test_either_key_serves_during_the_overlap_and_only_the_new_one_after_it(self) -> None:
        url, selecting = self.daemon.url, f"{self.daemon.url}/psk/new"
        self.check_component(url, PSK)
        self.check_component(selecting, NEW)
        self.is_refused(url, NEW)
        self.is_refused(selecting, PSK)
        self.end_old_key()
        self.check_component(url, NEW)
        self.check_component(selecting, NEW)
        self.is_refused(url, PSK)


class FixInventoryTests(RotationTests, Case):
    """The components are of Fix Inventory."""

    environment = FIX_INVENTORY


class ResotoTests(RotationTests, Case):
    """The components are of Resoto."""

    environment = RESOTO
