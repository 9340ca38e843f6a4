"""What a restart keeps and forgets: each row of the table in ``docs/operations.md``, with a real core."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkid.auth.proofs import Registration
from pkid.broker.commands import Register
from pkid.ca.keys import KeyType
from pkid.errors import Reason
from pkid.line.events import Errored, Succeeded
from tests.certificates import private_key
from tests.daemon import Daemon, start_daemon
from tests.integration.lines import LinePeer
from tests.interop.core import WITH_PSK, ask, bearer
from tests.support import Case

KEYS = [private_key(KeyType.ED25519, owner) for owner in ("carol", "mallory")]
PUBLIC = [key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in KEYS]


class RestartCase(Case):
    def setUp(self) -> None:
        self.daemon: Daemon = start_daemon(self, *WITH_PSK)

    def restart(self) -> None:
        """Cut the power, and start again."""
        self.daemon.kill()
        self.daemon.start()

    def command(self, text: str) -> list[Any]:
        """Run a command that gives items."""
        headers = {**bearer(), "Content-Type": "text/plain"}
        answer = ask(self.daemon, "POST", "/cli/execute", text.encode(), headers)
        self.assertEqual(answer.status, 200, answer.body)
        found: list[Any] = json.loads(answer.body)
        return found


class PinTests(RestartCase):
    def register(self, name: str, pin: str, key: bytes) -> Any:
        return LinePeer.of(self, self.daemon).ask(Register("1", name, Registration(key, pin)))

    def test_a_pin_for_a_name_is_good_after_a_restart_and_used_once(self) -> None:
        (found,) = self.command("broker register carol")
        self.restart()
        self.assertEqual(self.register("carol", found["pin"], PUBLIC[0]), Succeeded("1", None))
        self.restart()
        said = self.register("carol", found["pin"], PUBLIC[1])
        assert isinstance(said, Errored), said
        self.assertEqual(said.code, Reason.WRONG_PIN.code)
        self.assertNotIn(found["pin"].replace("-", ""), self.daemon.output)
