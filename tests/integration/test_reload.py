"""SIGHUP: a real core reads its file again, takes over what it can, and says what waits for a restart."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from tests.certificates import csr_pem
from tests.daemon import start_daemon
from tests.integration.test_daemon import wait_for
from tests.interop.core import ask, bearer
from tests.support import Case

KEY = "a key of the tests, long enough"
RULES = f"""\
[psks.fleet]
key = "{KEY}"
role = "issue"
"""


class ReloadTests(Case):
    def setUp(self) -> None:
        self.file = Path(self.mktemp()).absolute()
        self.write(RULES)
        self.daemon = start_daemon(self, "--config", str(self.file))

    def write(self, text: str) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.replace(self.file)

    def reload(self, text: str, until: str) -> None:
        """Change the file; wait for a line that was not there before."""
        self.write(text)
        before = self.daemon.output.count(until)
        os.kill(self.daemon.pid, signal.SIGHUP)
        wait_for(lambda: self.daemon.output.count(until) > before)

    def sign(self, name: str) -> tuple[int, bytes]:
        answer = ask(self.daemon, "POST", "/ca/sign", csr_pem(common_name=name), bearer(KEY))
        return answer.status, answer.body

    def test_lifetimes_and_policies_hold_at_once_and_the_rest_is_named(self) -> None:
        status, body = self.sign("a.example")
        self.assertEqual((status, self.lifetime(body) > timedelta(days=364)), (200, True))
        top = 'leaf-lifetime = "1h"\nmessage-size = "2m"\nrembus-ws = "off"\n'
        self.reload(
            f'{top}{RULES}allow-dns = ["a.example"]\n', "changed, and in effect after a restart only: message-size"
        )
        self.assertIn("in effect from now on: leaf-lifetime", self.daemon.output)
        status, body = self.sign("a.example")
        self.assertEqual((status, self.lifetime(body) <= timedelta(hours=1, minutes=1)), (200, True))
        self.assertEqual(self.sign("b.example")[0], 403)

    def test_names_that_are_forbidden_are_forbidden_at_once(self) -> None:
        self.assertEqual(self.sign("core.example")[0], 200)
        forbidding = 'forbid-core-names = true\nhost-dns-names = ["core.example"]\n'
        self.reload(forbidding + RULES, "the core has a new certificate")
        self.assertEqual(self.sign("core.example")[0], 403)
        self.assertEqual(self.sign("other.example")[0], 200)
        self.reload(RULES, "the core has a new certificate")
        self.assertEqual(self.sign("core.example")[0], 200)

    def test_a_file_with_a_mistake_changes_nothing(self) -> None:
        self.reload('leaf-lifetime = "1h"\nnonsense = 1\n' + RULES, "is no setting")
        status, body = self.sign("a.example")
        self.assertEqual((status, self.lifetime(body) > timedelta(days=364)), (200, True))

    def lifetime(self, body: bytes) -> timedelta:
        certificate = x509.load_pem_x509_certificate(body)
        return certificate.not_valid_after_utc - certificate.not_valid_before_utc
